"""Linear interpolation along time: of positions, of values between steps, and across missing values."""

import torch
from torch import Tensor


def fractional_index(times: Tensor, *, positions: Tensor) -> Tensor:
    """Return where positions lie among the steps of a view, as fractional indices.

    The inverse of the piecewise linear map index -> time. Positions outside the
    view go to its nearest end; of equal times the last step is taken.

    Args:
        times: Never decreasing positions of the steps, shape (B, T).
        positions: Wanted positions in the same unit, shape (B, N).

    Returns:
        Indices in [0, T - 1], shape (B, N).
    """
    last = times.shape[1] - 1
    right = torch.searchsorted(times.contiguous(), positions.contiguous(), right=True)
    left = (right - 1).clamp(0, last)
    before = times.gather(1, left)
    gap = times.gather(1, (left + 1).clamp(max=last)) - before
    # A gap of 0 (last step, or equal times) leaves no room between two steps.
    fraction = torch.where(gap > 0, (positions - before) / gap.clamp(min=1e-12), torch.zeros_like(gap))
    return left + fraction.clamp(0.0, 1.0)


def take_linear(values: Tensor, *, index: Tensor) -> Tensor:
    """Return values at fractional indices along time.

    Args:
        values: Shape (B, T, C).
        index: Fractional indices in [0, T - 1], shape (B, N).

    Returns:
        Interpolated values, shape (B, N, C).
    """
    steps, channels = values.shape[1:]
    left = index.floor().long().clamp(0, steps - 1)
    right = (left + 1).clamp(max=steps - 1)
    weight = (index - left).to(values.dtype).unsqueeze(-1)  # (B, N, 1)
    before = values.gather(1, left.unsqueeze(-1).expand(-1, -1, channels))
    after = values.gather(1, right.unsqueeze(-1).expand(-1, -1, channels))
    return torch.lerp(before, after, weight)


def fill_missing(values: Tensor) -> Tensor:
    """Return a copy in which NaN is bridged linearly along time.

    Before the first and after the last observation their value is repeated; a
    variate without any observation becomes 0.

    Args:
        values: Shape (B, T, V).
    """
    missing = torch.isnan(values)
    steps = values.shape[1]
    index = torch.arange(steps, device=values.device).view(1, steps, 1).expand_as(values)
    known = torch.where(missing, torch.zeros_like(values), values)
    before = torch.where(missing, -1, index).cummax(dim=1).values
    after = torch.where(missing, steps, index).flip(1).cummin(dim=1).values.flip(1)
    left = torch.where(before < 0, after, before).clamp(0, steps - 1)
    right = torch.where(after >= steps, before, after).clamp(0, steps - 1)
    weight = (index - left).to(values.dtype) / (right - left).clamp(min=1).to(values.dtype)
    return torch.lerp(known.gather(1, left), known.gather(1, right), weight)
