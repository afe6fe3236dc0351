"""A view read at positions between its steps."""

from dataclasses import replace

import torch
from torch import Tensor

from contrastive.interpolation import fill_missing, take_linear
from contrastive.views import View


def resample(view: View, *, index: Tensor) -> View:
    """Return what a view in order of time shows at fractional indices, by linear interpolation.

    Missing steps move with the nearest step; the times are interpolated alike,
    so they stay the positions really shown.

    Args:
        view: Steps in order of time, values of shape (B, T, V).
        index: Never decreasing, in [0, T - 1], shape (B, T).
    """
    values = view.values
    missing = torch.isnan(values)
    incomplete = bool(missing.any())
    shown = take_linear(fill_missing(values) if incomplete else values, index=index)
    if incomplete:
        nearest = index.round().long().unsqueeze(-1).expand_as(values)
        shown = shown.masked_fill(missing.gather(1, nearest), float("nan"))
    times = take_linear(view.times.unsqueeze(-1), index=index).squeeze(-1)
    return replace(view, values=shown, times=times)
