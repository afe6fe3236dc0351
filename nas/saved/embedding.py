"""Representations of any data by a saved encoder, per series or per time step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from compute.memory import at_a_time
from downstream.data.raw import RawSeries
from downstream.errors import DataError
from downstream.windows import Windows
from nas.representer import Representer
from nas.saved.encoder import SavedEncoder

WINDOWS_AT_A_TIME = 16_384
_COPIES = 12  # bytes for each number of a representation: itself, where it is checked, and on its way to the file


def represent_series(represent: Representer, values: NDArray[np.float32], *, window: int) -> NDArray[np.float32]:
    """Return the mean representation of consecutive windows that cover a series, the last ending at its end.

    Args:
        represent: The encoder.
        values: Scaled rows, shape (time, variates).
        window: Steps per window; a shorter series is one window.

    Returns:
        Shape (1, streams * features).
    """
    length = min(window, len(values))
    starts = np.arange(len(values) % length, len(values), length, dtype=np.int64)
    starts = np.union1d(starts, [0]) if len(values) % length else starts
    windows = Windows(values, starts, length)
    some = at_a_time(WINDOWS_AT_A_TIME, "row", bytes_each=_COPIES * represent.width)
    if len(starts) <= some:
        return np.asarray(represent(windows).mean(axis=0).reshape(1, -1))
    sums = sum(z.sum(axis=0, dtype=np.float64) for z in _blocks(represent, windows, some=some))
    return np.asarray(sums / len(starts), dtype=np.float32).reshape(1, -1)


def represent_steps(
    represent: Representer, values: NDArray[np.float32], *, window: int
) -> Iterator[NDArray[np.float32]]:
    """Yield the representations of the windows that end at the steps, in order, shape (some, streams * features)."""
    gap = np.full((window - 1, values.shape[1]), np.nan, dtype=np.float32)
    windows = Windows(np.concatenate([gap, values]), np.arange(len(values), dtype=np.int64), window)
    some = at_a_time(WINDOWS_AT_A_TIME, "row", bytes_each=_COPIES * represent.width)
    for z in _blocks(represent, windows, some=some):
        yield z.reshape(len(z), -1)


def _blocks(represent: Representer, windows: Windows, *, some: int) -> Iterator[NDArray[np.float32]]:
    for first in range(0, windows.n, some):
        yield represent(windows.subset(slice(first, first + some)))


def scale_series(series: RawSeries, saved: SavedEncoder, *, number: int, n_series: int) -> NDArray[np.float32]:
    """Scale a series as in training; where training had a scale per series, unknown series are scaled by themselves.

    Args:
        series: In its own unit.
        saved: Holds the scaler.
        number: Position of the series in the data.
        n_series: How many series the data has.

    Returns:
        Shape (time, variates).

    Raises:
        DataError: If a series must be scaled by itself and a variate of it has no value.
    """
    n_known, n_variates = saved.scaler.mean.shape
    if n_known == 1 and n_variates == series.values.shape[1]:
        return saved.scaler.transform(series.values)
    if n_known == n_series and n_variates == series.values.shape[1]:
        return saved.scaler.transform(series.values, series=number)
    observed = ~np.isnan(series.values).all(axis=0)
    if not observed.all():
        raise DataError(f"{series.name}: a variate has no value at all")
    deviation = np.nanstd(series.values, axis=0)
    scaled = (series.values - np.nanmean(series.values, axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.asarray(scaled, dtype=np.float32)
