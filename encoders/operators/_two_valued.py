"""MiniRocket's kernels: what `kernel_bank` and `trained_kernel_bank` share."""

import itertools
import math
from typing import ClassVar

import torch
from torch import Tensor

from encoders.operators._kernel_sets import TAPS, KernelSets

KERNELS = tuple(itertools.combinations(range(TAPS), 3))
"""Where each of the 84 kernels is 2; elsewhere it is -1."""


class TwoValuedBank(KernelSets):
    """Filter each feature by one two-valued kernel: -1 at six of nine taps, 2 at the others, scaled to length 1.

    Deliberate difference from MiniRocket: the kernels of a set that is not whole are drawn.
    """

    set_size: ClassVar[int] = len(KERNELS)
    scale: ClassVar[float] = 1 / math.sqrt(3 * 2.0**2 + 6 * 1.0**2)
    """Makes every kernel as long as 1, so that a stack of them does not blow its latent up."""

    @staticmethod
    def _drawn(size: int) -> Tensor:
        """Return so many kernels, none more often than needed; (size, TAPS)."""
        whole, rest = divmod(size, len(KERNELS))
        number = torch.cat([torch.arange(len(KERNELS)).repeat(whole), torch.randperm(len(KERNELS))[:rest]])
        kernels = torch.full((len(KERNELS), TAPS), -1.0)
        kernels[torch.arange(len(KERNELS))[:, None], torch.tensor(KERNELS)] = 2.0
        return kernels[number]
