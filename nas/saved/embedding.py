"""Representations of any data by a saved encoder, per series or per time step."""

import numpy as np
from numpy.typing import NDArray

from downstream.data.raw import RawSeries
from downstream.errors import DataError
from nas.saved.encoder import SavedEncoder


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
