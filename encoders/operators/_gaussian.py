"""Hydra's kernels: what `gaussian_kernel_bank` and `trained_gaussian_kernel_bank` share."""

from typing import ClassVar

import torch
from torch import Tensor

from encoders.halves import GROUP
from encoders.operators._kernel_sets import TAPS, KernelSets


class GaussianBank(KernelSets):
    """Filter each feature by a kernel of normal weights less their mean, scaled to length 1.

    Groups of eight kernels are never parted by dilations; a whole set has eight groups.

    Deliberate difference from Hydra: there a kernel is divided by the sum of its absolute weights.
    """

    set_size: ClassVar[int] = 8 * GROUP
    together: ClassVar[int] = GROUP

    @staticmethod
    def _drawn(size: int) -> Tensor:
        """Return so many new kernels; (size, TAPS)."""
        weights = torch.randn(size, TAPS)
        weights = weights - weights.mean(dim=1, keepdim=True)
        return weights / weights.square().sum(dim=1, keepdim=True).sqrt()
