"""How far forecasts were off: quantiles of errors by variate and steps ahead, for intervals (split conformal).

Errors are those on validation rows of forecasts whose weights come from the other half of validation, so none was
weighed by itself (Vovk et al. 2005; Lei et al. 2018, arXiv:1604.04173). Steps ahead are pooled in stretches that grow
as they lie further ahead.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LEVELS = (0.01, 0.025, *(step / 20 for step in range(1, 20)), 0.975, 0.99)


def stretches(horizon: int) -> list[slice]:
    """Return stretches of steps ahead, each about a quarter as long as it is far away."""
    edges, at = [0], 0
    while at < horizon:
        at = min(horizon, at + max(1, at // 4))
        edges.append(at)
    return [slice(first, end) for first, end in itertools.pairwise(edges)]


@dataclass(frozen=True)
class Intervals:
    """Quantiles of errors (truth less forecast).

    Args:
        table: At `LEVELS`, float32 (levels, variates, stretches).
        horizon: Steps ahead.
    """

    table: Tensor
    horizon: int

    @classmethod
    def of(cls, errors: Tensor) -> Intervals:
        """Take them from errors, NaN where a target is missing, float32 (n, horizon, variates).

        The ends are those of n + 1 errors, the next one among them (the conformal quantile), so a handful of errors
        gives wide intervals. Where a stretch of a variate has no error, those of all variates count; 0 without any.
        """
        horizon = errors.shape[1]
        columns = []
        for steps in stretches(horizon):
            some = errors[:, steps].permute(2, 0, 1).flatten(1).numpy()  # (variates, n * steps)
            pooled = some[np.isfinite(some)]
            per_variate = [row[np.isfinite(row)] for row in some]
            columns.append(np.stack([_quantiles(row if len(row) else pooled) for row in per_variate], axis=1))
        return cls(torch.as_tensor(np.stack(columns, axis=2), dtype=torch.float32), horizon)

    def at(self, levels: Sequence[float]) -> Tensor:
        """Return the quantiles at some levels in (0, 1), float32 (levels, horizon, variates); never crossing.

        Between the known levels they are interpolated; beyond the outermost, those count.
        """
        known, wanted = np.asarray(LEVELS), np.asarray(levels, dtype=np.float64)
        places = np.clip(np.searchsorted(known, wanted, side="right") - 1, 0, len(known) - 2)
        share = np.clip((wanted - known[places]) / (known[places + 1] - known[places]), 0.0, 1.0)
        share = torch.as_tensor(share, dtype=torch.float32)[:, None, None]
        values = (1 - share) * self.table[places] + share * self.table[places + 1]  # (levels, variates, stretches)
        lengths = torch.as_tensor([steps.stop - steps.start for steps in stretches(self.horizon)])
        return values.repeat_interleave(lengths, dim=2).transpose(1, 2)


def _quantiles(errors: NDArray[np.float32]) -> NDArray[np.float64]:
    if len(errors) == 0:
        return np.zeros(len(LEVELS))
    levels, one_more = np.asarray(LEVELS), (len(errors) + 1) / len(errors)
    upper = np.quantile(errors, np.minimum(levels * one_more, 1.0), method="higher")
    lower = np.quantile(errors, np.maximum(1.0 - (1.0 - levels) * one_more, 0.0), method="lower")
    return np.where(levels >= 0.5, upper, lower)
