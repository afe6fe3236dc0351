"""Standardisation with the mean and deviation of training rows only."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from downstream.errors import DataError, DataWarning

Floats = NDArray[np.float64]


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
        means.append(np.nanmean(rows, axis=0))
        deviations.append(np.where(flat, 1.0, np.nanstd(rows, axis=0)))
    if centred:
        names = ", ".join(name for name in variates if name in centred)
        where = " of some series" if len(training) > 1 else ""
        warnings.warn(
            f"{source}: constant in the training rows{where}, only centred: {names}", DataWarning, stacklevel=3
        )
    return Scaler(np.stack(means), np.stack(deviations), n_rows_seen=sum(len(rows) for rows in training))


def _constant(rows: Floats, *, variates: Sequence[str], source: str) -> NDArray[np.bool_]:
    missing = np.isnan(rows).all(axis=0)
    if missing.any():
        names = ", ".join(repr(variates[i]) for i in np.flatnonzero(missing))
        raise DataError(
            f"{source}: variate {names} has no value in the training rows; remove it or pass variates=[...] "
            "with the others"
        )
    return np.asarray(np.nanmax(rows, axis=0) == np.nanmin(rows, axis=0))
