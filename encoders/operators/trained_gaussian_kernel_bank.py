"""Normal dilated kernels as the start of training."""

from typing import ClassVar

from encoders.operators._gaussian import GaussianBank
from search_space.registry import register


@register("operator", "trained_gaussian_kernel_bank", source="Hydra, Dempster et al. 2023, arXiv:2203.13652, section 3")
class TrainedGaussianKernelBank(GaussianBank):
    """Begin as Hydra's random normal kernels at their dilations, and learn every tap from there.

    Deliberate difference: in the paper no kernel learns.
    """

    trained: ClassVar[bool] = True
