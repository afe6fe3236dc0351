"""Two-valued dilated kernels as the start of training."""

from typing import ClassVar

from encoders.operators._two_valued import TwoValuedBank
from search_space.registry import register


@register("operator", "trained_kernel_bank", source="MiniRocket, Dempster et al. 2021, arXiv:2012.08791, section 3.1")
class TrainedKernelBank(TwoValuedBank):
    """Begin as MiniRocket's 84 kernels at their dilations, and learn every tap from there.

    Deliberate difference: in the paper no kernel learns.
    """

    trained: ClassVar[bool] = True
