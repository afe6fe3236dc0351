"""Four numbers about the steps above fitted thresholds, 4 per feature."""

from typing import ClassVar

from encoders.readouts._multirocket import MultiRocketReadout
from search_space.registry import register


@register("readout", "multirocket_4", source="MultiRocket, Tan et al. 2022, arXiv:2102.00457, section 3.2")
class MultiRocket4(MultiRocketReadout):
    """Give share, excess, place and longest stretch of the steps at which a feature is above each of its 4 thresholds.

    The thresholds are 4 even quantiles of training responses.
    """

    parts: ClassVar[int] = 4 * 4
