"""What a user passes to the estimator, as a task to fit on or as plain series."""

from __future__ import annotations

from typing import Any

import numpy as np

from downstream.data import load_task
from downstream.data.options import Layout
from downstream.data.plain_series import load_plain_series
from downstream.data.raw import SeriesSet
from downstream.errors import DataError
from downstream.task import Kind, Task

_FIT_SPLITS = (0.75, 0.25, 0.0)
_NO_CUT = 10**9


def fit_task(
    X: Any, y: Any, *, kind: Kind, window: int | None, horizons: tuple[int, ...] | None, layout: Layout
) -> Task:
    """Return the task to fit on.

    Data in memory is for training and validation, all of it. A path is read as `tscnas search` does: the test part
    that lies beside the training part, or is split off it, takes no part in fitting.

    Args:
        X: Arrays, a list of arrays, a DataFrame, or a path.
        y: Class labels for classification.
        kind: Of the task.
        window: Lookback of the encoder; None chooses.
        horizons: Forecast lengths; None chooses.
        layout: Axes of arrays.

    Raises:
        DataError: If the data is at fault, or labels are missing where they are needed.
    """
    if isinstance(X, str) or hasattr(X, "__fspath__"):
        return load_task(X, kind=kind, window=window, horizons=horizons, layout=layout)
    if kind == "classification":
        if y is None and not isinstance(X, tuple):
            raise DataError("fit: classification needs class labels y, one per case")
        return load_task(X, kind=kind, y=y, layout=layout, pool_test=True, max_length=_NO_CUT)
    if kind == "forecasting":
        return load_task(X, kind=kind, window=window, horizons=horizons, layout=layout, splits=_FIT_SPLITS)
    return load_task(X, kind=kind, window=window, layout=layout).without_test()


def plain_series(X: Any, *, kind: Kind, layout: Layout) -> SeriesSet:
    """Return data as series, unscaled; a 2-d array is cases of one channel, as for `fit`."""
    if kind == "classification" and hasattr(X, "__array__") and np.ndim(X) == 2:
        X = np.asarray(X)[:, None, :] if layout == "nct" else np.asarray(X)[:, :, None]
    return load_plain_series(X, kind=kind, layout=layout)
