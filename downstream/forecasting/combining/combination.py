"""A forecaster that combines: a weighted sum of linear forecasts for each band of steps, which is linear again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from downstream.forecasting.combining.intervals import Intervals
from downstream.forecasting.combining.linear import Linear
from downstream.forecasting.combining.reduced import Directions
from downstream.forecasting.rows import RowBlock
from downstream.forecasting.task import ForecastingTask
from downstream.represent import Represent

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Combination:
    """Forecasts for every step up to the longest horizon.

    Args:
        horizons: Where its bands of steps end, ascending.
        n_lags: Lags of a row.
        maps: What is added up: at most one map that variates share, and one that they do not.
        weights: Of the members that count, by name, for each band.
        intervals: How far it was off on validation.
        directions: In which its rows hold a wide representation; None where they hold it as it is.
        left_out: What could not be afforded, in words.
        on_edge: Ridges whose penalty lies on the edge of its grid, for each band.
        validation_mse: Mean over horizons of the squared error on validation, weights chosen on the other half of it;
            None in one that was loaded.
    """

    horizons: tuple[int, ...]
    n_lags: int
    maps: tuple[Linear, ...]
    weights: tuple[Mapping[str, float], ...]
    intervals: Intervals
    directions: Directions | None = None
    left_out: tuple[str, ...] = ()
    on_edge: tuple[tuple[str, ...], ...] = ()
    validation_mse: float | None = None

    def rows_of(self, task: ForecastingTask) -> ForecastingTask:
        """Return a task with as many lags as the rows of this forecaster have."""
        return replace(task, spec=replace(task.spec, raw_lags=self.n_lags))

    def seen_by(self, represent: Represent) -> Represent:
        """Return an encoder as the rows of this forecaster have it."""
        return represent if self.directions is None else self.directions.seen_by(represent)

    def predict(self, block: RowBlock) -> Floats:
        """Return forecasts in scaled units, (n, longest horizon, variates)."""
        return forecasts(self.maps, block.joined()).permute(1, 2, 0).numpy()

    def quantiles(self, block: RowBlock, levels: Sequence[float]) -> Floats:
        """Return quantiles at levels in (0, 1), in scaled units, (levels, n, longest horizon, variates)."""
        return np.asarray(self.predict(block)[None] + self.intervals.at(levels).numpy()[:, None])

    def words(self, band: int) -> str:
        """Return the weights of a band in words, heaviest kind of member first."""
        shares: dict[str, float] = {}
        numbers = Counter[str]()
        for name, weight in self.weights[band].items():
            kind = "representation" if "representation" in name else "raw lags" if name.startswith("ridge") else "naive"
            shares[kind] = shares.get(kind, 0.0) + weight
            numbers[kind] += 1
        ordered = sorted(shares.items(), key=lambda item: -item[1])
        return " + ".join(f"{share:.2f} {kind} (of {numbers[kind]})" for kind, share in ordered)


def forecasts(maps: Sequence[Linear], x: Tensor) -> Tensor:
    """Return the sum of some maps, (variates, n, steps), of rows (variates, n, columns)."""
    first, *rest = [part.predict(x) for part in maps]
    return sum(rest, start=first)
