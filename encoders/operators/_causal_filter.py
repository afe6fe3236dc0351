"""A causal filter over time, one per feature, through the Fourier transform."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def causal_filter(x: Tensor, weights: Tensor) -> Tensor:
    """Return y_t = sum over lags of weights_lag * x_(t - lag), feature by feature.

    Args:
        x: (batch, streams, time, hidden).
        weights: (lags, hidden).

    Returns:
        (batch, streams, time, hidden).
    """
    if torch.compiler.is_compiling():  # a graph knows neither the length nor, in ONNX, a transform of any
        seen = F.pad(x, (0, 0, weights.shape[0] - 1, 0)).permute(0, 3, 1, 2)  # (batch, hidden, streams, time)
        return F.conv2d(seen, weights.flip(0).T[:, None, None], groups=x.shape[3]).permute(0, 2, 3, 1)
    result: Tensor = _CausalFilter.apply(x, weights[: x.shape[2]])  # type: ignore[no-untyped-call]
    return result


class _CausalFilter(torch.autograd.Function):
    """The filter with a gradient of its own: torch's gradient of `rfft` uses complex transforms, twice as slow."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor) -> Tensor:
        time, lags = x.shape[2], weights.shape[0]
        size = fast_size(time + lags - 1)  # long enough that nothing wraps around
        x_spectrum = torch.fft.rfft(x, n=size, dim=2)
        weights_spectrum = torch.fft.rfft(weights, n=size, dim=0)
        # Without a gradient of the weights the spectrum of x need not be kept.
        ctx.save_for_backward(x_spectrum if ctx.needs_input_grad[1] else None, weights_spectrum)
        ctx.sizes = time, lags, size
        filtered: Tensor = torch.fft.irfft(x_spectrum * weights_spectrum, n=size, dim=2)[:, :, :time]
        return filtered

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None]:
        x_spectrum, weights_spectrum = ctx.saved_tensors
        time, lags, size = ctx.sizes
        spectrum = torch.fft.rfft(gradient, n=size, dim=2)
        # Correlation instead of convolution: multiply by the conjugate.
        of_x = torch.fft.irfft(spectrum * weights_spectrum.conj(), n=size, dim=2)[:, :, :time]
        of_weights = None
        if x_spectrum is not None:
            of_weights = torch.fft.irfft((x_spectrum.conj() * spectrum).sum(dim=(0, 1)), n=size, dim=0)[:lags]
        return of_x, of_weights


def fast_size(least: int) -> int:
    """Return the next size of the form 2^a * (1, 3, 5 or 7), which transforms fast."""
    unit = 1 << max(0, (least - 1).bit_length() - 3)
    return -(-least // unit) * unit
