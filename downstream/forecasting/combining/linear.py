"""Forecasts that are a linear map of a row: its lags and, behind them, its representation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Linear:
    """Steps ahead as a linear map of neighbouring columns of a row.

    Args:
        start: The first column that counts.
        weights: One map for all variates, or one for each, (1 or variates, columns, steps).
        intercept: (1 or variates, steps).
    """

    start: int
    weights: Tensor
    intercept: Tensor

    @property
    def n_maps(self) -> int:
        """1 where all variates share one map, else the number of variates."""
        return len(self.weights)

    @property
    def stop(self) -> int:
        """The column behind the last one that counts."""
        return self.start + self.weights.shape[1]

    def predict(self, x: Tensor) -> Tensor:
        """Return forecasts, (variates, n, steps), of rows (variates, n, columns)."""
        columns = x[:, :, self.start : self.stop]
        return columns.to(self.weights) @ self.weights + self.intercept[:, None]

    def steps(self, chosen: slice) -> Linear:
        """Return the map to some of the steps."""
        return Linear(self.start, self.weights[:, :, chosen], self.intercept[:, chosen])

    def of_variates(self, models: Sequence[int]) -> Linear:
        """Return a map for each variate, of those of the models that variates share; `models` are theirs, in order."""
        chosen = torch.as_tensor(models)
        return Linear(self.start, self.weights[chosen], self.intercept[chosen])


def weighted(parts: Sequence[tuple[Linear, float]]) -> tuple[Linear, ...]:
    """Return a weighted sum of maps to the same steps: at most one that variates share, and one that they do not.

    A sum of linear forecasts is a linear forecast, so any number of members costs what one costs.
    """
    sums = []
    for n_maps in sorted({part.n_maps for part, _ in parts}):
        alike = [(part, weight) for part, weight in parts if part.n_maps == n_maps]
        start, stop = _columns([part for part, _ in alike])
        first, _ = alike[0]
        weights = first.weights.new_zeros(n_maps, stop - start, first.weights.shape[2])
        for part, weight in alike:
            weights[:, part.start - start : part.stop - start] += weight * part.weights
        intercept = sum((weight * part.intercept for part, weight in alike), start=torch.zeros(()))
        sums.append(Linear(start, weights, intercept))
    return tuple(sums)


def in_bands(bands: Sequence[Sequence[Linear]]) -> tuple[Linear, ...]:
    """Return the maps to the steps of all bands, in their order; each band is a sum as `weighted` gives it."""
    joined = []
    for n_maps in sorted({part.n_maps for band in bands for part in band}):
        start, stop = _columns([part for band in bands for part in band if part.n_maps == n_maps])
        weights, intercepts = [], []
        for band in bands:
            n_steps = band[0].weights.shape[2]
            own = next((part for part in band if part.n_maps == n_maps), None)
            if own is None:
                own = Linear(start, torch.zeros(n_maps, 0, n_steps), torch.zeros(n_maps, n_steps))
            weights.append(torch.nn.functional.pad(own.weights, (0, 0, own.start - start, stop - own.stop)))
            intercepts.append(own.intercept)
        joined.append(Linear(start, torch.cat(weights, dim=2), torch.cat(intercepts, dim=1)))
    return tuple(joined)


def _columns(parts: Sequence[Linear]) -> tuple[int, int]:
    """Return the first column that one of them reads, and the one behind the last."""
    return min(part.start for part in parts), max(part.stop for part in parts)
