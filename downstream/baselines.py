"""The plain methods that stand beside every representation, on the same split and protocol."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from downstream.anomaly import scoring as anomaly
from downstream.anomaly.scores import ScoredRows, training_rows
from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.classification import scoring as classification
from downstream.classification.task import ClassificationTask, LabelledWindows
from downstream.forecasting import scoring as forecasting
from downstream.forecasting.rows import fill_gaps, usable_horizons
from downstream.forecasting.task import ForecastingTask, Origins
from downstream.scores import Scores
from downstream.windows import Windows

Floats = NDArray[np.floating]

BLOCK_WINDOWS = 2048


def forecasting_baselines(task: ForecastingTask, opened: ForecastingTask, *, rng_seed: int = 0) -> dict[str, Scores]:
    """Return `repeat_last`, `seasonal_naive` and `raw_lag_ridge`, the last with alpha chosen on validation."""
    training = [values[:end, : task.n_targets] for values, (end, _) in zip(task.series, task.bounds, strict=True)]
    period = find_period(training)
    ridge = forecasting.test(task, opened, None, rng_seed=rng_seed)
    return {
        "repeat_last": _naive(opened, usable_horizons(task), period=1, protocol=ridge.protocol),
        "seasonal_naive": _naive(opened, usable_horizons(task), period=period, protocol=ridge.protocol),
        "raw_lag_ridge": ridge,
    }


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
    found = np.zeros(n_lags)
    reach = min(n_lags, len(rows) // 3)
    if reach < 4:
        return found
    # A trend correlates at every lag.
    steps = np.linspace(-1.0, 1.0, len(rows))[:, None]
    level = rows - rows.mean(axis=0)
    level = level - steps * (level * steps).sum(axis=0) / (steps**2).sum()
    spectrum = np.abs(np.fft.rfft(level, n=2 * len(rows), axis=0)) ** 2
    correlation = np.fft.irfft(spectrum, axis=0)[:reach]
    found[:reach] = (correlation / np.maximum(correlation[:1], 1e-12)).mean(axis=1)
    return found


def _naive(
    opened: ForecastingTask, horizons: Sequence[int], *, period: int, protocol: Mapping[str, str | int | float]
) -> Scores:
    """Repeat the last `period` rows; gaps and rows before the series count as the value before them."""
    metrics: dict[str, float] = {}
    for horizon in horizons:
        origins = opened.origins("test", horizon)
        squared, absolute, n_values = 0.0, 0.0, 0
        for first in range(0, len(origins.step), BLOCK_WINDOWS):
            block = Origins(*(part[first : first + BLOCK_WINDOWS] for part in origins))
            history = _history(opened, block, length=period)
            truth = opened.targets_at(block, horizon)
            errors = (history[:, np.arange(horizon) % period] - truth)[np.isfinite(truth)]
            squared += float(np.square(errors, dtype=np.float64).sum())
            absolute += float(np.abs(errors, dtype=np.float64).sum())
            n_values += errors.size
        if n_values:
            metrics[f"mse/{horizon}"], metrics[f"mae/{horizon}"] = squared / n_values, absolute / n_values
    for name in ("mse", "mae"):
        values = [value for key, value in metrics.items() if key.startswith(f"{name}/")]
        metrics[name] = float(np.mean(values)) if values else float("nan")
    return Scores(metrics["mse"], "mse", False, metrics, {"period": str(period)}, dict(protocol))


def _history(task: ForecastingTask, origins: Origins, *, length: int) -> Floats:
    """Return the last `length` target rows at each origin, gaps filled, (n, length, n_targets)."""
    parts = np.empty((len(origins.step), length, task.n_targets), dtype=np.float32)
    for number in np.unique(origins.series):
        rows = np.flatnonzero(origins.series == number)
        filled, _ = fill_gaps(task.series[number][None, :, : task.n_targets])
        places = origins.step[rows][:, None] + np.arange(1 - length, 1)
        parts[rows] = filled[0][np.maximum(places, 0)]
    return parts


def classification_baselines(
    task: ClassificationTask, opened: LabelledWindows, *, rng_seed: int = 0
) -> dict[str, Scores]:
    """Return `raw_series` (all probes on the values themselves) and, where aeon is installed, `minirocket`."""
    x, new = _raw_features(task.windows, opened.windows)
    found = {"raw_series": classification.score_features(task, opened, x, new, rng_seed=rng_seed)}
    if find_spec("aeon") is not None:
        x, new = _minirocket(task.windows, opened.windows, rng_seed=rng_seed)
        found["minirocket"] = classification.score_ridge(task, opened, x, new)
    return found


def _raw_features(windows: Windows, new: Windows, *, limit: int = 4096) -> tuple[Floats, Floats]:
    """Return values side by side, gaps 0 (the mean), thinned in time to `limit` features."""
    step = max(1, -(-windows.length * windows.n_variates // limit))
    both = []
    for one in (windows, new):
        values = np.nan_to_num(one.gather())
        # Test cases are padded to their own longest case.
        fitted = np.zeros((len(values), windows.length, values.shape[2]), dtype=np.float32)
        kept = min(windows.length, values.shape[1])
        fitted[:, :kept] = values[:, :kept]
        both.append(fitted[:, ::step].reshape(len(values), -1))
    return both[0], both[1]


def _minirocket(windows: Windows, new: Windows, *, rng_seed: int) -> tuple[Floats, Floats]:
    """Return MiniRocket features of training and test cases (Dempster et al., KDD 2021), by aeon."""
    from aeon.transformations.collection.convolution_based import MiniRocket

    length = max(windows.length, new.length, 9)  # its kernels have 9 weights
    cases = []
    for one in (windows, new):
        values = np.zeros((one.n, one.n_variates, length), dtype=np.float32)
        values[:, :, : one.length] = np.nan_to_num(one.gather()).transpose(0, 2, 1)
        cases.append(values)
    transform = MiniRocket(random_state=rng_seed, n_jobs=1)
    with _torch_threads_kept():
        return np.asarray(transform.fit_transform(cases[0])), np.asarray(transform.transform(cases[1]))


@contextlib.contextmanager
def _torch_threads_kept() -> Iterator[None]:
    """Give torch back the threads that it had: numba, which aeon runs on, sets those of the OpenMP that both share."""
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_num_threads()
    try:
        yield
    finally:
        if torch is not None:
            torch.set_num_threads(before)


def anomaly_baselines(task: AnomalyTask, opened: Sequence[LabelledRows], *, rng_seed: int = 0) -> dict[str, Scores]:
    """Return `moving_z_score`: the distance to the recent mean in recent deviations, mean over variates."""
    del rng_seed
    return {"moving_z_score": anomaly.test_scorer(task, opened, moving_z_score)}


def moving_z_score(
    task: AnomalyTask, rows: LabelledRows, *, span: slice, max_training: int
) -> Mapping[str, ScoredRows]:
    """Score rows against the `spec.window` rows before them; see `Scorer`."""
    training = training_rows(task, rows.name)[-max_training - task.spec.window :]
    scored = _z_scores(rows.values, window=task.spec.window)[rows.context :][span]
    known = _z_scores(training, window=task.spec.window)
    # Without a full window behind them the first rows are no measure of what is usual.
    known = known[task.spec.window :] if len(known) > 2 * task.spec.window else known
    labels = None if rows.labels is None else rows.labels[span]
    return {"moving_z_score": ScoredRows.normalized(known, scored, labels=labels)}


def _z_scores(values: Floats, *, window: int) -> Floats:
    """Return the mean over variates of |x - recent mean| / recent deviation, missing values 0, (time,)."""
    observed = np.isfinite(values)
    filled = np.where(observed, values, 0.0).astype(np.float64)
    ends = np.arange(len(values))
    begins = np.maximum(ends - window, 0)

    def recent(numbers: Floats) -> Floats:
        sums = np.concatenate([np.zeros((1, numbers.shape[1])), np.cumsum(numbers, axis=0)])
        difference: Floats = sums[ends] - sums[begins]
        return difference

    count = np.maximum(recent(observed.astype(np.float64)), 1.0)
    mean = recent(filled) / count
    # Values are scaled, so a recent deviation below 0.01 means a flat stretch.
    deviation = np.sqrt(np.maximum(recent(filled**2) / count - mean**2, 1e-4))
    scores: Floats = np.where(observed, np.abs(filled - mean) / deviation, 0.0).mean(axis=1)
    return scores
