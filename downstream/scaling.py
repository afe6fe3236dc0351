"""Standardisation with the mean and deviation of training rows only."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from downstream.errors import DataError, DataWarning

Floats = NDArray[np.float64]
_SMALLEST = 1e-100


@dataclass(frozen=True, eq=False)
class Scaler:
    """`(x - mean) / deviation` per series and variate, ignoring missing values.

    Args:
        mean: Of the training rows; float64 (series, variates).
        deviation: Standard deviation with divisor n, never 0; float64 (series, variates).
        n_rows_seen: Training rows that it was fitted on, over all series.
    """

    mean: Floats
    deviation: Floats
    n_rows_seen: int

    def transform(self, values: Floats, *, series: int = 0) -> NDArray[np.float32]:
        """Return scaled values, float32 (..., variates)."""
        return np.asarray((values - self.mean[series]) / self.deviation[series], dtype=np.float32)

    def inverse(self, values: NDArray[np.float32], *, series: int = 0) -> Floats:
        """Return values in their own unit; takes the first columns if there are fewer, float64 (..., k)."""
        width = values.shape[-1]
        scaled: Floats = values.astype(np.float64)
        return scaled * self.deviation[series, :width] + self.mean[series, :width]


@dataclass(frozen=True, eq=False)
class Scaled:
    """One series, scaled, and what it was scaled by.

    Args:
        values: float32 (time, variates).
        mean: Subtracted; float64 (variates,).
        deviation: Divided by, never 0; float64 (variates,).
        known: The number of the training series that it is; None where training did not know it.
    """

    values: NDArray[np.float32]
    mean: Floats
    deviation: Floats
    known: int | None = None

    @classmethod
    def by(cls, values: Floats, *, mean: Floats, deviation: Floats, known: int | None = None) -> Self:
        """Scale values, (time, variates)."""
        return cls(np.asarray((values - mean) / deviation, dtype=np.float32), mean, deviation, known)

    def inverse(self, values: NDArray[np.floating]) -> Floats:
        """Return scaled values of the first variates in the series' own unit, float64 (..., k)."""
        width = values.shape[-1]
        return np.asarray(values.astype(np.float64) * self.deviation[:width] + self.mean[:width])


def own_scale(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and deviation of each variate, 0 and 1 where it has no value, deviation 1 where it does not vary.

    Args:
        values: NaN is missing; (time, variates).

    Returns:
        Both float64 (variates,).
    """
    rows = np.where(np.isnan(values).all(axis=0), 0.0, values)
    # Squares of smaller numbers vanish.
    size = np.nanmax(np.abs(rows), axis=0)
    unit = np.where((size > 0) & (size < _SMALLEST), size, 1.0)
    flat = _flat(rows)
    rows = rows / unit
    return np.nanmean(rows, axis=0) * unit, np.where(flat, 1.0, np.nanstd(rows, axis=0) * unit)


def fit_scaler(
    training: Sequence[Floats],
    *,
    variates: Sequence[str],
    source: str,
    constant: Literal["refuse", "centre"] = "refuse",
) -> Scaler:
    """Fit one mean and deviation per series and variate.

    Args:
        training: Training rows of each series, each (rows, variates); NaN is missing.
        variates: Column names, for messages.
        source: File or set name, for messages.
        constant: What to do with a variate that does not vary: `refuse`, or `centre`
            it (deviation 1) with a warning, as anomaly detection needs.

    Raises:
        DataError: If a variate is entirely missing, or constant and `constant` is `refuse`.
    """
    means, deviations = [], []
    centred: set[str] = set()
    for rows in training:
        flat = _constant(rows, variates=variates, source=source)
        if flat.any():
            names = ", ".join(repr(variates[i]) for i in np.flatnonzero(flat))
            if constant == "refuse" or flat.all():
                raise DataError(
                    f"{source}: variate {names} is constant in the training rows; remove it or pass variates=[...] "
                    "with the others"
                )
            centred.update(variates[i] for i in np.flatnonzero(flat))
        mean, deviation = own_scale(rows)
        means.append(mean)
        deviations.append(deviation)
    if centred:
        names = ", ".join(name for name in variates if name in centred)
        where = " of some series" if len(training) > 1 else ""
        warnings.warn(
            f"{source}: constant in the training rows{where}, only centred: {names}", DataWarning, stacklevel=3
        )
    return Scaler(np.stack(means), np.stack(deviations), n_rows_seen=sum(len(rows) for rows in training))


def observed_variates(training: Sequence[Floats], *, variates: Sequence[str], needed: int, source: str) -> list[int]:
    """Return the places of the variates that have a value in the training rows of some series; warn of the others.

    Args:
        training: Training rows of each series, each (rows, variates).
        variates: Their names, for messages.
        needed: How many of the first ones may not be left out, as there is something asked of them.
        source: File or set name, for messages.

    Raises:
        DataError: If one that is needed has no value, or none has.
    """
    missing: NDArray[np.bool_] = np.stack([np.isnan(rows).all(axis=0) for rows in training])
    void = np.logical_and.reduce(missing, axis=0)
    names = ", ".join(repr(variates[i]) for i in np.flatnonzero(void))
    if void[:needed].any() or void.all():
        raise DataError(f"{source}: variate {names} has no value in the training rows")
    if void.any():
        warnings.warn(
            f"{source}: variate {names} is left out: no value in the training rows", DataWarning, stacklevel=3
        )
    return [int(i) for i in np.flatnonzero(~void)]


def _constant(rows: Floats, *, variates: Sequence[str], source: str) -> NDArray[np.bool_]:
    missing = np.isnan(rows).all(axis=0)
    if missing.any():
        names = ", ".join(repr(variates[i]) for i in np.flatnonzero(missing))
        raise DataError(
            f"{source}: variate {names} has no value in the training rows; remove it or pass variates=[...] "
            "with the others"
        )
    return _flat(rows)


def _flat(rows: Floats) -> NDArray[np.bool_]:
    """Return whether each variate is the same throughout but for rounding, such as .3 and .1 + .2, (variates,)."""
    most, least = np.nanmax(rows, axis=0), np.nanmin(rows, axis=0)
    rounding = 4 * np.finfo(np.float64).eps * np.maximum(np.abs(most), np.abs(least))
    return np.asarray(most - least <= rounding)
