"""Representations in the container that `set_output` asks for."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._set_output import _get_output_config

from downstream.data.raw import SeriesSet


def wants_pandas(estimator: BaseEstimator) -> bool:
    """Whether `transform` of an estimator is to give a pandas frame."""
    return bool(_get_output_config("transform", estimator)["dense"] == "pandas")


def in_container(features: NDArray[np.float32], data: SeriesSet, given: Any) -> pd.DataFrame:
    """Return features as a frame whose rows are named as the series, or as the rows of a table of cases.

    Args:
        features: One row per series or case.
        data: As it was read.
        given: As the user passed it.
    """
    if data.has_ids:
        return pd.DataFrame(features, index=pd.Index([series.name for series in data.series]))
    same_rows = isinstance(given, pd.DataFrame) and len(given) == len(features)
    return pd.DataFrame(features, index=given.index if same_rows else None)
