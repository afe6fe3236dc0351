"""Frozen random kernels over learned combinations of the features."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from encoders.linear import Linear
from encoders.operators._causal_filter import causal_filter
from encoders.operators._operator import Operator
from search_space.registry import register

LENGTHS = (7, 9, 11)
REFERENCE_STEPS = 128
"""Window length that the dilations are drawn for; no kernel reaches further."""
_REACH = (REFERENCE_STEPS - 1) // 2


@register(
    "operator",
    "random_convolution",
    source="ROCKET, Dempster et al. 2020, arXiv:1910.13051, section 3.1",
)
class RandomConvolution(Operator):
    """Filter each feature by one random kernel that never learns, add its random bias, and rectify.

    Kernels are drawn when the operator is built, from torch's generator like all
    weights, and are saved with them: length 7, 9 or 11, normal weights minus
    their mean, bias uniform in [-1, 1], dilation 2^u rounded down, where u is
    uniform up to what lets the kernel span 128 steps. GELU keeps the signs, on
    which ROCKET's proportion of positive values rests.

    Deliberate differences: a kernel reads a learned linear combination of the
    features (ROCKET's series has one); always padded with zeros, as a step must
    be answered by a step; 128 steps stand for the length of the series, which an
    operator does not know, and taps that only see padding are left out.
    """

    kernels: Tensor
    biases: Tensor

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.combine = Linear(hidden, hidden, bias=False)
        self.register_buffer("kernels", torch.stack([_draw_kernel() for _ in range(hidden)], dim=1))
        self.register_buffer("biases", torch.rand(hidden) * 2.0 - 1.0)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Filter over time; (batch, streams, time, hidden)."""
        reach = _REACH if torch.compiler.is_compiling() else min(_REACH, x.shape[2] - 1)
        kernels = self.kernels[_REACH - reach : _REACH + reach + 1]
        ahead = F.pad(self.combine(x), (0, 0, 0, reach))  # a causal filter, read `reach` steps late, is centred
        return F.gelu(causal_filter(ahead, kernels)[:, :, reach:] + self.biases)


def _draw_kernel() -> Tensor:
    """Return one kernel with zeros between its taps; (2 * _REACH + 1,)."""
    # on the CPU even where the shapes alone are asked for: the taps' places follow from what is drawn
    with torch.device("cpu"):
        length = LENGTHS[int(torch.randint(len(LENGTHS), ()))]
        largest = math.log2((REFERENCE_STEPS - 1) / (length - 1))
        dilation = int(2.0 ** (float(torch.rand(())) * largest))
        weights = torch.randn(length)
        kernel = torch.zeros(2 * _REACH + 1)
        first = _REACH - length // 2 * dilation
        kernel[first : first + length * dilation : dilation] = weights - weights.mean()
    return kernel
