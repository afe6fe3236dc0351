"""Representations in the container that `set_output` asks for."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._set_output import _get_output_config

from downstream.data.raw import SeriesSet
from downstream.predictor import stacked

Level = Literal["series", "step"]


def in_container(rows: Sequence[NDArray[np.float32]], data: SeriesSet, *, given: Any, estimator: BaseEstimator) -> Any:
    """Return one row of features per series; a frame names them as the series, or as the rows of a table of cases.

    Args:
        rows: Of each series or case, (1, features).
        data: As it was read.
        given: As the user passed it.
        estimator: Whose `transform` it is.
    """
    features = np.concatenate(rows)
    if _container(estimator) != "pandas":
        return features
    if data.has_ids:
        return pd.DataFrame(features, index=pd.Index([series.name for series in data.series]))
    same_rows = isinstance(given, pd.DataFrame) and len(given) == len(features)
    return pd.DataFrame(features, index=given.index if same_rows else None)


def steps_in_container(rows: Sequence[NDArray[np.float32]], data: SeriesSet, *, estimator: BaseEstimator) -> Any:
    """Return a row of features per time step of each series; in a frame, series after series under name and time.

    Args:
        rows: Of each series, (time, features).
        data: As it was read.
        estimator: Whose `transform` it is.
    """
    container = _container(estimator)
    if container == "default":
        return stacked(rows)
    features = np.concatenate(rows)
    if container != "pandas":
        return features
    times = [range(len(row)) if one.stamps is None else one.stamps for one, row in zip(data.series, rows, strict=True)]
    index = [(series.name, at) for series, stamps in zip(data.series, times, strict=True) for at in stamps]
    names = [data.ids or "series", data.time or "step"]
    return pd.DataFrame(features, index=pd.MultiIndex.from_tuples(index, names=names))


def _container(estimator: BaseEstimator) -> str:
    return str(_get_output_config("transform", estimator)["dense"])
