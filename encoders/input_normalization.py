"""Normalisation of a window before it is encoded, and the statistics it takes away."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from search_space.registry import unknown_name

NORMALIZATIONS: Mapping[str, int] = MappingProxyType({"none": 0, "instance": 2, "last": 1})
"""Name -> statistics that it takes from every variate of a window."""

_VARIANCE_FLOOR = 1e-5


class NormalizedInput(NamedTuple):
    """A normalised window and what is needed to undo it.

    Args:
        values: NaN where the input was NaN; (batch, time, variates).
        statistics: Zeros for a variate without observed steps; (batch, variates, k).
    """

    values: Tensor
    statistics: Tensor


def check_normalization(name: str) -> None:
    """Refuse an unknown normalisation.

    Raises:
        ValueError: If the name is not in `NORMALIZATIONS`.
    """
    if name not in NORMALIZATIONS:
        raise ValueError(unknown_name("normalization", name, tuple(NORMALIZATIONS)))


def normalize_input(x: Tensor, *, normalization: str) -> NormalizedInput:
    """Normalise every variate of every window over its observed steps.

    `instance` subtracts the mean and divides by the standard deviation (Kim et
    al. 2022, RevIN, arXiv:2110.05441; variance floor 1e-5, so that a constant
    window becomes zeros); the statistics are mean and log standard deviation.
    `last` subtracts the last observed value, which is the statistic (Zeng et al.
    2023, NLinear). `none` changes nothing and has no statistics.

    Args:
        x: Windows, NaN where a value is missing; (batch, time, variates).
        normalization: A key of `NORMALIZATIONS`.

    Raises:
        ValueError: If the normalisation is unknown.
    """
    check_normalization(normalization)
    if normalization == "none":
        return NormalizedInput(x, x.new_zeros(x.shape[0], x.shape[2], 0))
    observed = ~x.isnan()
    if normalization == "last":
        places = torch.arange(x.shape[1], device=x.device)[:, None]
        last = torch.where(observed, places, 0).amax(dim=1, keepdim=True)  # (batch, 1, variates)
        value = x.gather(1, last).nan_to_num()  # NaN only where nothing is observed
        return NormalizedInput(x - value, value.transpose(1, 2))
    count = observed.sum(dim=1, keepdim=True).clamp(min=1)
    mean = x.nansum(dim=1, keepdim=True) / count  # (batch, 1, variates)
    centred = x - mean
    std = (centred.square().nansum(dim=1, keepdim=True) / count + _VARIANCE_FLOOR).sqrt()
    log_std = torch.where(observed.any(dim=1, keepdim=True), std.log(), 0.0)
    return NormalizedInput(centred / std, torch.cat([mean, log_std], dim=1).transpose(1, 2))
