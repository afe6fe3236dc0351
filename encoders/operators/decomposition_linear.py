"""Trend and remainder, each through its own linear filter over time."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators._causal_filter import causal_filter
from encoders.operators._operator import Operator
from search_space.registry import register

AVERAGED_STEPS = 25
FILTER_STEPS = 64


@register(
    "operator",
    "decomposition_linear",
    causal=True,
    source="DLinear, Zeng et al. 2023, arXiv:2205.13504, section 4",
)
class DecompositionLinear(Operator):
    """Filter the moving average (trend) and what it leaves (remainder) separately, and add both.

    Deliberate differences: DLinear's matrix maps all steps to all steps of one
    fixed length; ours is the same causal filter of 64 steps at every position
    (one pair per feature), so any length works. The average of 25 steps looks
    back only, and steps before the window count as zero, as in our convolutions.

    All of it is linear, so the two filters and the average are composed into
    one filter of 88 steps, which is applied through the Fourier transform.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        bound = 1.0 / math.sqrt(FILTER_STEPS)
        self.trend_filter = nn.Parameter(torch.empty(FILTER_STEPS, hidden).uniform_(-bound, bound))
        self.remainder_filter = nn.Parameter(torch.empty(FILTER_STEPS, hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(hidden).uniform_(-bound, bound))

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Decompose and filter; (batch, streams, time, hidden)."""
        return causal_filter(x, compose(self.trend_filter, self.remainder_filter)) + self.bias


def compose(trend_filter: Tensor, remainder_filter: Tensor) -> Tensor:
    """Return the filter r + m * (t - r): trend m * x through t plus remainder x - m * x through r.

    Args:
        trend_filter: t, weight of the step `lag` steps ago; (lags, hidden).
        remainder_filter: r; (lags, hidden).

    Returns:
        With m the average of the last 25 steps and * the convolution; (lags + 24, hidden).
    """
    grow = (0, 0, 0, AVERAGED_STEPS - 1)
    running = F.pad(trend_filter - remainder_filter, grow).cumsum(dim=0)
    averaged = (running - F.pad(running, (0, 0, AVERAGED_STEPS, 0))[: len(running)]) / AVERAGED_STEPS
    return F.pad(remainder_filter, grow) + averaged
