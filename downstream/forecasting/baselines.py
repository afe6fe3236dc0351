"""The naive forecasts, and the ridge on raw lags, that stand beside every representation."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from downstream.forecasting import scoring
from downstream.forecasting.errors import TestErrors
from downstream.forecasting.rows import fill_gaps, usable_horizons
from downstream.forecasting.scoring import protocol_facts
from downstream.forecasting.smoothing.fitting import FITTED_ROWS, left_out
from downstream.forecasting.smoothing.scoring import choose_and_score
from downstream.forecasting.task import ForecastingTask, Origins
from downstream.register import Baselines
from downstream.scores import Scores

Floats = NDArray[np.floating]

BLOCK_WINDOWS = 2048


BASELINES = Baselines()


@BASELINES.add("repeat_last")
def score_repeat_last(task: ForecastingTask, opened: ForecastingTask, *, rng_seed: int) -> Scores:
    """Score the last row, repeated."""
    del rng_seed
    return _naive(task, opened, period=1)


@BASELINES.add("seasonal_naive")
def score_seasonal_naive(task: ForecastingTask, opened: ForecastingTask, *, rng_seed: int) -> Scores:
    """Score the last rows of one period of the training rows, repeated.

    Where exponential smoothing, the better rule of a season, is left out, the settings say why.
    """
    del rng_seed
    missing = left_out(task, opened)
    scores = _naive(task, opened, period=task.period)
    return replace(scores, settings={**scores.settings, "exponential_smoothing": missing}) if missing else scores


@BASELINES.add("exponential_smoothing")
def score_exponential_smoothing(task: ForecastingTask, opened: ForecastingTask, *, rng_seed: int) -> Scores | None:
    """Score exponential smoothing with the season of the training rows; None where it is left out."""
    del rng_seed
    if left_out(task, opened):
        return None
    horizons = usable_horizons(task)
    trend, tested = choose_and_score(task, opened, horizons)
    settings = {
        "period": str(task.period),
        "model": f"additive, {trend} (better on validation), fitted to the last {FITTED_ROWS} training rows at most",
    }
    facts = protocol_facts(task, opened, horizons)
    return Scores.of(opened.spec, tested.metrics(), settings=settings, protocol=facts, interval=tested.interval)


@BASELINES.add("raw_lag_ridge")
def score_raw_lag_ridge(task: ForecastingTask, opened: ForecastingTask, *, rng_seed: int) -> Scores:
    """Score the ridge on raw lags, with alpha chosen on validation; it may look back further than an encoder."""
    del rng_seed
    return scoring.score_raw_lag_ridge(task, opened)


@BASELINES.add("raw_lag_ridge_same_window")
def score_raw_lag_ridge_same_window(task: ForecastingTask, opened: ForecastingTask, *, rng_seed: int) -> Scores | None:
    """Score the same ridge on no more lags than the task's window has steps, which is what an encoder sees.

    None where the ridge on raw lags has just as many.
    """
    del rng_seed
    window = task.spec.window
    if window == task.spec.raw_lags:
        return None
    seen, seen_opened = (replace(one, spec=replace(one.spec, raw_lags=window)) for one in (task, opened))
    return scoring.score_raw_lag_ridge(seen, seen_opened)


@BASELINES.add("plain_combination")
def score_plain_combination(task: ForecastingTask, opened: ForecastingTask, *, rng_seed: int) -> Scores:
    """Score the combination that is handed over, without the members that see a representation."""
    return scoring.score_test(task, opened, None, rng_seed=rng_seed)


def _naive(task: ForecastingTask, opened: ForecastingTask, *, period: int) -> Scores:
    """Repeat the last `period` rows; gaps and rows before the series count as the value before them."""
    horizons = usable_horizons(task)
    tested = TestErrors(opened, horizons)
    for horizon in horizons:
        origins = opened.origins("test", horizon)
        for first in range(0, len(origins.step), BLOCK_WINDOWS):
            block = Origins(*(part[first : first + BLOCK_WINDOWS] for part in origins))
            forecasts = _history(opened, block, length=period)[:, np.arange(horizon) % period]
            tested.add(horizon, block, forecasts - opened.targets_at(block, horizon))
    settings, facts = {"period": str(period)}, protocol_facts(task, opened, horizons)
    return Scores.of(opened.spec, tested.metrics(), settings=settings, protocol=facts, interval=tested.interval)


def _history(task: ForecastingTask, origins: Origins, *, length: int) -> Floats:
    """Return the last `length` target rows at each origin, gaps filled, (n, length, n_targets)."""
    parts = np.empty((len(origins.step), length, task.n_targets), dtype=np.float32)
    for number in np.unique(origins.series):
        rows = np.flatnonzero(origins.series == number)
        filled, _ = fill_gaps(task.series[number][None, :, : task.n_targets])
        places = origins.step[rows][:, None] + np.arange(1 - length, 1)
        parts[rows] = filled[0][np.maximum(places, 0)]
    return parts
