"""The naive forecasts against loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from downstream.forecasting import baselines
from downstream.forecasting.periods import find_period
from downstream.forecasting.task import ForecastingTask
from downstream.scaling import Scaler
from downstream.task import Sealed, TaskSpec


def make_task(values: np.ndarray, *, horizons: tuple[int, ...]) -> ForecastingTask:
    n = len(values)
    values = values.astype(np.float32)
    return ForecastingTask(
        spec=TaskSpec("toy", "forecasting", 10, horizons, 6, "mse", False, "toy", "test"),
        variates=("a", "b"),
        hash="0" * 16,
        sealed=Sealed((values[n - 60 :],)),
        series=(values[: n - 60],),
        bounds=((n - 120, n - 60),),
        n_targets=2,
        scaler=Scaler(np.zeros((1, 2)), np.ones((1, 2)), n_rows_seen=n - 120),
    )


def test_repeat_last_equals_the_loop_and_skips_missing_targets() -> None:
    values = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    values[[250, 270], [0, 1]] = np.nan
    task = make_task(values, horizons=(3,))
    found = baselines.BASELINES(task, task.open_test())["repeat_last"]
    squared, absolute = [], []
    for t in range(239, 297):
        for v in range(2):
            past = values[: t + 1, v]
            last = past[np.isfinite(past)][-1]
            errors = values[t + 1 : t + 4, v] - last
            squared.extend(errors[np.isfinite(errors)] ** 2)
            absolute.extend(np.abs(errors[np.isfinite(errors)]))
    assert found.metrics["mse/3"] == pytest.approx(np.mean(squared), rel=1e-5)
    assert found.metrics["mae"] == pytest.approx(np.mean(absolute), rel=1e-5)
    assert found.protocol["n_windows/3"] == 58


def test_a_ridge_on_the_lags_of_the_window_stands_beside_the_one_on_more_or_fewer() -> None:
    values = np.random.default_rng(0).normal(size=(300, 2)).cumsum(axis=0)
    task = make_task(values, horizons=(3,))  # a window of 10 steps, 6 raw lags
    rows = baselines.BASELINES(task, task.open_test())
    same = make_task(values, horizons=(3,))
    same = replace(same, spec=replace(same.spec, raw_lags=same.spec.window))
    expected = baselines.BASELINES(same, same.open_test())
    assert rows["raw_lag_ridge_same_window"].metrics == expected["raw_lag_ridge"].metrics
    assert rows["raw_lag_ridge"].metrics != expected["raw_lag_ridge"].metrics
    assert "raw_lag_ridge_same_window" not in expected
    names = ("raw_lag_ridge", "raw_lag_ridge_same_window")
    assert [rows[name].settings["lags"] for name in names] == [
        f"{lags} of a variate, for a window of 10 steps" for lags in (6, 10)
    ]
    assert [rows[name].protocol["n_windows/3"] for name in names] == [58, 58]


def test_seasonal_naive_repeats_the_last_period() -> None:
    rng = np.random.default_rng(0)
    values = np.tile(rng.normal(size=(7, 2)), (50, 1))
    task = make_task(values, horizons=(5, 16))
    found = baselines.BASELINES(task, task.open_test())["seasonal_naive"]
    assert found.settings["period"] == "7"
    assert found.value == pytest.approx(0.0, abs=1e-10)


def test_a_period_found_on_training_rows_does_not_see_the_rest() -> None:
    time = np.arange(400)
    values = np.stack([np.sin(2 * np.pi * time / 12)] * 2, axis=1)
    values[280:] = np.sin(2 * np.pi * time[280:, None] / 5)
    task = make_task(values, horizons=(3,))
    assert baselines.BASELINES(task, task.open_test())["seasonal_naive"].settings["period"] == "12"


def test_find_period_sees_through_drift_and_slow_cycles() -> None:
    time = np.arange(6000.0)
    season = np.sin(2 * np.pi * time / 31)
    assert find_period([(0.05 * time + season)[:, None]]) == 31
    assert find_period([(10 * np.sin(2 * np.pi * time / 5900) + season)[:, None]]) == 31
    assert find_period([np.random.default_rng(0).normal(size=(6000, 1))]) == 1
    assert find_period([np.zeros((5, 1))]) == 1
