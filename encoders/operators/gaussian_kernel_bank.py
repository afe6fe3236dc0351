"""Normal dilated kernels that never learn."""

from typing import ClassVar

from encoders.operators._gaussian import GaussianBank
from search_space.registry import register


@register("operator", "gaussian_kernel_bank", source="Hydra, Dempster et al. 2023, arXiv:2203.13652, section 3")
class FrozenGaussianKernelBank(GaussianBank):
    """Filter each feature by a kernel of random normal weights, in groups of eight; nothing learns."""

    trained: ClassVar[bool] = False
