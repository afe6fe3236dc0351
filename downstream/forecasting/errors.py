"""Errors of forecasts: sums that add up over blocks, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
    metrics: dict[str, float] = {}
    for name, values in values_of.items():
        metrics |= {f"{prefix}{name}/{horizon}": value for horizon, value in values.items()}
        metrics[prefix + name] = float(np.mean(list(values.values()))) if values else float("nan")
    return metrics
