"""Two-valued dilated kernels that never learn."""

from typing import ClassVar

from encoders.operators._two_valued import TwoValuedBank
from search_space.registry import register


@register("operator", "kernel_bank", source="MiniRocket, Dempster et al. 2021, arXiv:2012.08791, section 3.1")
class FrozenKernelBank(TwoValuedBank):
    """Filter each feature by one of MiniRocket's 84 kernels; nothing learns.

    An encoder that is this bank alone learns nothing at all: its subsets of variates and its thresholds stay as they
    were fitted.
    """

    trained: ClassVar[bool] = False
