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
MOST_NUMBERS = 2_000_000
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


def fit(rows: Floats, *, period: int, damped: bool) -> tuple[Smoothing, State]:
    """Fit every variate for itself and return the parameters, and the state behind the last row.

    Errors and seasons are additive: ETS(A, N, A) or ETS(A, Ad, A) of Hyndman et al. 2008, or without a season where
    two do not fit. A trend is damped, as forecasts may be long.

    Args:
        rows: Without gaps, at least `LEAST_ROWS`, (time, variates).
        period: Steps of a season; 1 for none.
        damped: Whether there is a trend, a damped one.
    """
    seasonal = period > 1 and 2 * period <= len(rows)
    fitted = [_fitted(column, period=period if seasonal else 1, damped=damped) for column in rows.T]
    parameters, levels, trends, seasons = (np.asarray(part) for part in zip(*fitted, strict=True))
    return Smoothing(*parameters.T), State(levels, trends, seasons.T)


def _fitted(column: Floats, *, period: int, damped: bool) -> tuple[Floats, float, float, Floats]:
    """Return alpha, beta, gamma and phi of one variate, and its last level, trend and season."""
    if column.min() == column.max():  # there is nothing to fit
        return np.zeros(4), float(column[-1]), 0.0, np.zeros(period)
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    trend = {"trend": "add", "damped_trend": True} if damped else {}
    season = {"seasonal": "add", "seasonal_periods": period} if period > 1 else {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a search that ends at a bound has found something all the same
        model = ETSModel(column, error="add", initialization_method="heuristic", **trend, **season)
        found = model.fit(disp=False)
    beta, phi, slope = (found.smoothing_trend, found.damping_trend, found.slope[-1]) if damped else (0.0, 0.0, 0.0)
    gamma, last = (found.smoothing_seasonal, found.season[-period:]) if period > 1 else (0.0, np.zeros(1))
    return np.asarray([found.smoothing_level, beta, gamma, phi]), float(found.level[-1]), float(slope), np.asarray(last)
