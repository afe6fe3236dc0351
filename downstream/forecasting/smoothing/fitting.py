"""Parameters of exponential smoothing, fitted by statsmodels to training rows."""

import warnings
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from downstream.forecasting.smoothing.states import Smoothing, State
from downstream.forecasting.task import ForecastingTask

Floats = NDArray[np.float64]

FITTED_ROWS = 4000
"""Last training rows that parameters are fitted to: four of the longest periods."""
LEAST_ROWS = 10
MOST_FITS = 100
MOST_NUMBERS = 4_000_000
"""Rows behind the training rows, times variates, whose states are kept at once."""


def left_out(task: ForecastingTask, opened: ForecastingTask) -> str:
    """Return why a task has no such baseline, in words; empty where it has one."""
    if find_spec("statsmodels") is None:
        return "statsmodels is not installed (extra forecasting)"
    n_fits = len(task.bounds) * task.n_targets
    if n_fits > MOST_FITS:
        return f"{n_fits} fits would take too long, at most {MOST_FITS} are made"
    numbers = sum(len(rows) - end for rows, (end, _) in zip(opened.series, task.bounds, strict=True)) * task.n_targets
    if numbers > MOST_NUMBERS:
        return f"{numbers} values are too many, at most {MOST_NUMBERS} are filtered"
    if min(end for end, _ in task.bounds) < LEAST_ROWS:
        return f"it needs {LEAST_ROWS} training rows"
    return ""


def fit(rows: Floats, *, period: int) -> tuple[Smoothing, State]:
    """Fit every variate for itself and return the parameters, and the state behind the last row.

    Errors and seasons are additive and the trend is damped, as forecasts may be long: ETS(A, Ad, A) of Hyndman et al.
    2008, or ETS(A, Ad, N) where two seasons do not fit.

    Args:
        rows: Without gaps, at least `LEAST_ROWS`, (time, variates).
        period: Steps of a season; 1 for none.
    """

    seasonal = period > 1 and 2 * period <= len(rows)
    fitted = [_fitted(column, period=period if seasonal else 1) for column in rows.T]
    parameters, levels, trends, seasons = (np.asarray(part) for part in zip(*fitted, strict=True))
    return Smoothing(*parameters.T), State(levels, trends, seasons.T)


def _fitted(column: Floats, *, period: int) -> tuple[Floats, float, float, Floats]:
    """Return alpha, beta, gamma and phi of one variate, and its last level, trend and season."""
    if column.min() == column.max():  # there is nothing to fit
        return np.zeros(4), float(column[-1]), 0.0, np.zeros(period)
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    how = {"seasonal": "add", "seasonal_periods": period} if period > 1 else {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a search that ends at a bound has found something all the same
        model = ETSModel(column, error="add", trend="add", damped_trend=True, initialization_method="heuristic", **how)
        result = model.fit(disp=False)
    gamma, season = (result.smoothing_seasonal, result.season[-period:]) if period > 1 else (0.0, np.zeros(1))
    parameters = np.asarray([result.smoothing_level, result.smoothing_trend, gamma, result.damping_trend])
    return parameters, float(result.level[-1]), float(result.slope[-1]), np.asarray(season)
