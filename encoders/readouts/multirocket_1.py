"""Four numbers about the steps above fitted thresholds, 1 per feature."""

from typing import ClassVar

from encoders.readouts._multirocket import MultiRocketReadout
from search_space.registry import register


@register("readout", "multirocket_1", source="MultiRocket, Tan et al. 2022, arXiv:2102.00457, section 3.2")
class MultiRocket1(MultiRocketReadout):
    """Give share, excess, place and longest stretch of the steps at which a feature is above its threshold.

    Its threshold is the median of training responses.
    """

    parts: ClassVar[int] = 4 * 1
