"""Errors of forecasts: sums that add up over blocks, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from downstream.forecasting.rows import part_ends
from downstream.forecasting.task import ForecastingTask, Origins
from downstream.metrics import FEWEST, Interval, mean_interval


@dataclass(frozen=True)
class ErrorSums:
    """Sums over observed targets.

    Args:
        squared: Of squared errors.
        absolute: Of absolute errors.
        n: How many errors there are.
    """

    squared: float = 0.0
    absolute: float = 0.0
    n: int = 0

    @classmethod
    def of(cls, errors: NDArray[np.floating[Any]]) -> ErrorSums:
        """Sum errors of any shape; NaN stands where a target is missing and does not count."""
        errors = errors[~np.isnan(errors)]
        squared, absolute = np.square(errors, dtype=np.float64).sum(), np.abs(errors, dtype=np.float64).sum()
        return cls(float(squared), float(absolute), errors.size)

    def __add__(self, other: ErrorSums) -> ErrorSums:
        return ErrorSums(self.squared + other.squared, self.absolute + other.absolute, self.n + other.n)


def errors_at(horizon: int, errors: NDArray[np.floating[Any]], room: NDArray[np.int64]) -> ErrorSums:
    """Return the errors of a horizon, of the origins that have room for it.

    Args:
        horizon: Steps ahead.
        errors: NaN where a target is missing, (n, at least horizon, targets).
        room: Rows of the part behind each origin, (n,).
    """
    return ErrorSums.of(errors[room >= horizon, :horizon])


def horizon_metrics(sums: Mapping[int, ErrorSums], *, prefix: str = "") -> dict[str, float]:
    """Return `mse/H` and `mae/H` of every horizon with an observed target, and their means `mse` and `mae` (or NaN)."""
    judged = {horizon: each for horizon, each in sums.items() if each.n}
    values_of = {
        "mse": {horizon: each.squared / each.n for horizon, each in judged.items()},
        "mae": {horizon: each.absolute / each.n for horizon, each in judged.items()},
    }
    return _with_means(values_of, prefix=prefix)


DECILES = tuple(step / 10 for step in range(1, 10))
_INTERVAL = (DECILES.index(0.1), DECILES.index(0.9))


@dataclass(frozen=True)
class QuantileSums:
    """Sums over observed targets.

    Args:
        pinball: Of pinball losses, mean over the deciles.
        covered: Of targets between the first and the last decile.
        n: How many targets there are.
    """

    pinball: float = 0.0
    covered: int = 0
    n: int = 0

    def __add__(self, other: QuantileSums) -> QuantileSums:
        return QuantileSums(self.pinball + other.pinball, self.covered + other.covered, self.n + other.n)


def quantile_sums(
    horizons: Sequence[int],
    above: NDArray[np.floating[Any]],
    deciles: NDArray[np.floating[Any]],
    room: NDArray[np.int64],
) -> dict[int, QuantileSums]:
    """Return the sums of each horizon, of the origins that have room for it.

    Args:
        horizons: Steps ahead.
        above: By how much targets are above forecasts, NaN where missing, (n, steps, targets).
        deciles: Those that were forecast, by how much above the forecast, (9, steps, targets).
        room: Rows of the part behind each origin, (n,).
    """
    pinball = np.zeros(above.shape[:2])  # (n, steps), over targets
    for level, decile in zip(DECILES, deciles, strict=True):
        over = above - decile
        pinball += np.nansum(np.maximum(level * over, (level - 1.0) * over), axis=2) / len(DECILES)
    low, high = (deciles[which] for which in _INTERVAL)
    covered = ((above >= low) & (above <= high)).sum(axis=2)
    seen = np.isfinite(above).sum(axis=2)
    sums = {}
    for horizon in horizons:
        chosen = (room >= horizon, slice(horizon))
        sums[horizon] = QuantileSums(float(pinball[chosen].sum()), int(covered[chosen].sum()), int(seen[chosen].sum()))
    return sums


def quantile_metrics(sums: Mapping[int, QuantileSums]) -> dict[str, float]:
    """Return `pinball/H` and `coverage_80/H` of every horizon with an observed target, and their means (or NaN)."""
    judged = {horizon: each for horizon, each in sums.items() if each.n}
    values_of = {
        "pinball": {horizon: each.pinball / each.n for horizon, each in judged.items()},
        "coverage_80": {horizon: each.covered / each.n for horizon, each in judged.items()},
    }
    return _with_means(values_of)


def _with_means(values_of: Mapping[str, Mapping[int, float]], *, prefix: str = "") -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, values in values_of.items():
        metrics |= {f"{prefix}{name}/{horizon}": value for horizon, value in values.items()}
        metrics[prefix + name] = float(np.mean(list(values.values()))) if values else float("nan")
    return metrics


MOST_STRETCHES = 20


class TestErrors:
    """Sums of the errors of one method.

    Neighbouring forecasts are off together, so no interval may count them one by one: test time is cut into stretches
    that are at least as long as the longest horizon, and their means count (batch means).

    Args:
        opened: The task whose test part is open.
        horizons: Steps ahead.
    """

    __test__ = False  # its name is no test's

    def __init__(self, opened: ForecastingTask, horizons: Sequence[int]) -> None:
        self.sums = dict.fromkeys(horizons, ErrorSums())
        ends = part_ends(opened, "test")
        self._first = part_ends(opened, "validation")
        self._length = np.maximum(ends - self._first, 1)
        n = int(np.clip(self._length.min() // max(horizons), 1, MOST_STRETCHES))
        self._squared = {horizon: np.zeros(n) for horizon in horizons}
        self._counts = {horizon: np.zeros(n) for horizon in horizons}

    def add(self, horizon: int, origins: Origins, errors: NDArray[np.floating[Any]]) -> None:
        """Count the errors of some origins, NaN where a target is missing, (n, horizon, targets)."""
        self.sums[horizon] += ErrorSums.of(errors)
        n = len(self._squared[horizon])
        if n < FEWEST:
            return
        places = (origins.step + 1 - self._first[origins.series]) * n // self._length[origins.series]
        places = np.clip(places, 0, n - 1)
        squared = np.nansum(np.square(errors, dtype=np.float64), axis=(1, 2))
        self._squared[horizon] += np.bincount(places, squared, minlength=n)
        self._counts[horizon] += np.bincount(places, np.isfinite(errors).sum(axis=(1, 2)), minlength=n)

    def metrics(self, *, prefix: str = "") -> dict[str, float]:
        """Return `mse/H` and `mae/H` of every horizon with an observed target, and their means."""
        return horizon_metrics(self.sums, prefix=prefix)

    @property
    def interval(self) -> Interval | None:
        """Where the mean over horizons of the squared error lies; None where test time is too short to tell."""
        judged = [horizon for horizon, sums in self.sums.items() if sums.n]
        if not judged:
            return None
        counts = np.stack([self._counts[horizon] for horizon in judged])
        there = (counts > 0).all(axis=0)
        squared = np.stack([self._squared[horizon] for horizon in judged])
        means = (squared[:, there] / counts[:, there]).mean(axis=0)
        found = mean_interval(means.tolist(), center=horizon_metrics(self.sums)["mse"])
        return None if found is None else (max(found[0], 0.0), found[1])
