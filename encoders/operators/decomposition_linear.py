"""Trend and remainder, each through its own linear filter over time."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

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


def causal_filter(x: Tensor, weights: Tensor) -> Tensor:
    """Return y_t = sum over lags of weights_lag * x_(t - lag), feature by feature.

    Args:
        x: (batch, streams, time, hidden).
        weights: (lags, hidden).

    Returns:
        (batch, streams, time, hidden).
    """
    result: Tensor = _CausalFilter.apply(x, weights[: x.shape[2]])  # type: ignore[no-untyped-call]
    return result


class _CausalFilter(torch.autograd.Function):
    """The filter with a gradient of its own: torch's gradient of `rfft` uses complex transforms, twice as slow."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor) -> Tensor:
        time, lags = x.shape[2], weights.shape[0]
        size = _fast_size(time + lags - 1)  # long enough that nothing wraps around
        x_spectrum = torch.fft.rfft(x, n=size, dim=2)
        weights_spectrum = torch.fft.rfft(weights, n=size, dim=0)
        ctx.save_for_backward(x_spectrum, weights_spectrum)
        ctx.sizes = time, lags, size
        filtered: Tensor = torch.fft.irfft(x_spectrum * weights_spectrum, n=size, dim=2)[:, :, :time]
        return filtered

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x_spectrum, weights_spectrum = ctx.saved_tensors
        time, lags, size = ctx.sizes
        spectrum = torch.fft.rfft(gradient, n=size, dim=2)
        # Correlation instead of convolution: multiply by the conjugate.
        of_x = torch.fft.irfft(spectrum * weights_spectrum.conj(), n=size, dim=2)[:, :, :time]
        of_weights = torch.fft.irfft((x_spectrum.conj() * spectrum).sum(dim=(0, 1)), n=size, dim=0)[:lags]
        return of_x, of_weights


def _fast_size(least: int) -> int:
    """Return the next size of the form 2^a * (1, 3, 5 or 7), which transforms fast."""
    unit = 1 << max(0, (least - 1).bit_length() - 3)
    return -(-least // unit) * unit
