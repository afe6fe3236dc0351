"""Sums of products of features with the values that follow, for every lag at once, by Fourier transforms.

Targets of a forecast are shifted copies of one series, so `sum_t x[t] y[t + lag]` over all lags is a correlation:
`O(n log H)` where the product of the rows' matrices takes `O(n H)`.
"""

import torch
from torch import Tensor

from downstream.probes.ridge import Moments

_LEAST_LENGTH = 2048
_VALUES_AT_ONCE = 8


def lagged_moments(x: Tensor, first: Tensor, values: Tensor, *, lags: int) -> Moments:
    """Return the sums of rows whose targets are `lags` successive rows of `values`, as one group.

    Args:
        x: Features, float64 (n, d), n >= 1.
        first: Row of `values` where the targets of each row of `x` begin, no two equal, (n,).
        values: Targets, NaN only where no row has a target, float64 (rows, k).
        lags: Successive rows that are targets, step-major in the sums, >= 1.
    """
    n = len(x)
    start, end = int(first.min()), int(first.max()) + 1
    shifted = values[start : end + lags - 1].nan_to_num()
    dense = x.new_zeros(x.shape[1] + 1, end - start)
    dense[:-1, first - start] = x.T
    dense[-1, first - start] = 1.0
    products = _correlate(dense, shifted, lags=lags)
    squares = _correlate(dense[-1:], shifted.square(), lags=lags)
    count = x.new_full((1,), n)
    return Moments(count, count, x.sum(0)[None], products[-1:], (x.T @ x)[None], products[None, :-1], squares)


def _correlate(x: Tensor, values: Tensor, *, lags: int) -> Tensor:
    """Return `sum_t x[i, t] values[t + lag, j]`, (d, lags * k), for x (d, n) and values (n + lags - 1, k).

    Time is cut into sections; their spectra add up before the one transform back.
    """
    d, n = x.shape
    length = max(_LEAST_LENGTH, 2 ** (2 * lags - 1).bit_length())
    step = length - lags + 1
    sections = -(-n // step)
    x = torch.nn.functional.pad(x, (0, sections * step - n)).reshape(d, sections, step)
    spectrum = torch.fft.rfft(x, length).conj().permute(2, 0, 1).contiguous()  # (frequency, d, section)
    missing = (sections - 1) * step + length - len(values)
    followers = torch.nn.functional.pad(values.T, (0, missing)).unfold(1, length, step)  # (k, section, length)
    parts = []
    for some in torch.split(followers, _VALUES_AT_ONCE):
        product = spectrum @ torch.fft.rfft(some).permute(2, 1, 0).contiguous()  # (frequency, d, k)
        correlation = torch.fft.irfft(product.permute(1, 2, 0).contiguous(), length)
        parts.append(correlation[..., :lags].transpose(1, 2))
    return torch.cat(parts, dim=2).reshape(d, -1)
