"""What of a window the encoder reads: raw values, first differences, both, or rises and falls apart."""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

PARTS: Mapping[str, int] = MappingProxyType({"raw": 1, "difference": 1, "both": 2, "signed": 2})
"""Name -> values that the encoder reads of every variate at a step."""


def by_stream(values: Tensor, *, read: str, independent: bool) -> Tensor:
    """Return the values of every stream.

    The first difference of a step is its value minus that of the step before; it is missing where one of them is, and
    at the first step. With `both`, all raw variates of a stream come first, their differences after them; with
    `signed`, all rises (the positive part of a difference, 0 where it falls) come before all falls (the negative part,
    max(-d, 0)), so that whatever follows weighs a rise and a fall by themselves.

    Args:
        values: Windows, NaN where a value is missing; (batch, time, variates).
        read: A key of `PARTS`.
        independent: Whether every variate is a stream of its own.

    Returns:
        NaN where a value is missing; (batch, streams, time, values of a stream).
    """
    parts = [values] if read in ("raw", "both") else []
    if read != "raw":
        missing = torch.full_like(values[:, :1], float("nan"))
        difference = torch.cat([missing, values[:, 1:] - values[:, :-1]], dim=1)
        parts += [difference.clamp(min=0), (-difference).clamp(min=0)] if read == "signed" else [difference]
    if independent:
        return torch.stack(parts, dim=-1).transpose(1, 2)
    return torch.cat(parts, dim=-1).unsqueeze(1)


def observed_span(x: Tensor) -> Tensor:
    """Return True from the first to the last step at which any variate is observed.

    Args:
        x: Windows, NaN where a value is missing; (batch, time, variates).

    Returns:
        All False for a window without observed steps; (batch, time), bool.
    """
    observed = ~x.isnan().all(dim=2)
    since_first = observed.cumsum(dim=1) > 0
    until_last = observed.flip(1).cumsum(dim=1).flip(1) > 0
    return since_first & until_last
