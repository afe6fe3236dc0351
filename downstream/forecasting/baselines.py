"""The naive forecasts, and the ridge on raw lags, that stand beside every representation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from downstream.forecasting.errors import ErrorSums, horizon_metrics
from downstream.forecasting.rows import fill_gaps, usable_horizons
from downstream.forecasting.scoring import protocol_facts, score_test
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
    """Score the last rows of one period of the training rows, repeated."""
    del rng_seed
    training = [values[:end, : task.n_targets] for values, (end, _) in zip(task.series, task.bounds, strict=True)]
    return _naive(task, opened, period=find_period(training))


@BASELINES.add("raw_lag_ridge")
def score_raw_lag_ridge(task: ForecastingTask, opened: ForecastingTask, *, rng_seed: int) -> Scores:
    """Score the ridge on raw lags, with alpha chosen on validation."""
    return score_test(task, opened, None, rng_seed=rng_seed)


def find_period(series: Sequence[Floats], *, longest: int = 1000) -> int:
    """Return the period of the training rows: the first of the highest peaks of their autocorrelation; 1 without any.

    Only local peaks behind the first crossing of zero count, so slow drift does not pass for a season.
    Where drift hides every crossing (a year in hourly rows), the changes from row to row are asked instead.

    Args:
        series: Training rows, (time, variates) each.
        longest: The longest period to consider; a third of the rows at most.
    """
    for order in (0, 1):
        total = np.zeros(longest + 2)
        for rows in series:
            changes = np.diff(fill_gaps(np.asarray(rows)[None])[0][0], n=order, axis=0)
            total += _autocorrelation(changes, n_lags=longest + 2)
        crossed = np.flatnonzero(total <= 0)
        crossed = crossed[crossed > 0]
        if len(crossed) == 0:
            continue
        lags = np.arange(max(int(crossed[0]), 2), longest + 1)
        least = 0.1 * total[0]
        peaks = lags[(total[lags] > total[lags - 1]) & (total[lags] >= total[lags + 1]) & (total[lags] > least)]
        if len(peaks):
            # Multiples of a period peak as high as the period itself.
            return int(peaks[total[peaks] >= 0.85 * total[peaks].max()][0])
    return 1


def _autocorrelation(rows: Floats, *, n_lags: int) -> Floats:
    """Return the mean autocorrelation of the variates without their straight lines; 0 behind a third of the rows."""
    correlations = np.zeros(n_lags)
    reach = min(n_lags, len(rows) // 3)
    if reach < 4:
        return correlations
    # A trend correlates at every lag.
    steps = np.linspace(-1.0, 1.0, len(rows))[:, None]
    level = rows - rows.mean(axis=0)
    level = level - steps * (level * steps).sum(axis=0) / (steps**2).sum()
    spectrum = np.abs(np.fft.rfft(level, n=2 * len(rows), axis=0)) ** 2
    correlation = np.fft.irfft(spectrum, axis=0)[:reach]
    correlations[:reach] = (correlation / np.maximum(correlation[:1], 1e-12)).mean(axis=1)
    return correlations


def _naive(task: ForecastingTask, opened: ForecastingTask, *, period: int) -> Scores:
    """Repeat the last `period` rows; gaps and rows before the series count as the value before them."""
    sums, horizons = {}, usable_horizons(task)
    for horizon in horizons:
        origins, total = opened.origins("test", horizon), ErrorSums()
        for first in range(0, len(origins.step), BLOCK_WINDOWS):
            block = Origins(*(part[first : first + BLOCK_WINDOWS] for part in origins))
            forecasts = _history(opened, block, length=period)[:, np.arange(horizon) % period]
            total += ErrorSums.of(forecasts - opened.targets_at(block, horizon))
        sums[horizon] = total
    settings, facts = {"period": str(period)}, protocol_facts(task, opened, horizons)
    return Scores.of(opened.spec, horizon_metrics(sums), settings=settings, protocol=facts)


def _history(task: ForecastingTask, origins: Origins, *, length: int) -> Floats:
    """Return the last `length` target rows at each origin, gaps filled, (n, length, n_targets)."""
    parts = np.empty((len(origins.step), length, task.n_targets), dtype=np.float32)
    for number in np.unique(origins.series):
        rows = np.flatnonzero(origins.series == number)
        filled, _ = fill_gaps(task.series[number][None, :, : task.n_targets])
        places = origins.step[rows][:, None] + np.arange(1 - length, 1)
        parts[rows] = filled[0][np.maximum(places, 0)]
    return parts
