"""How far an encoder looks back: what the period says, what a candidate may have instead, and what stays the same."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from downstream import load_task
from downstream.forecasting.build import own_window
from downstream.forecasting.periods import find_period
from downstream.forecasting.task import ForecastingTask


def season(n: int, period: float, *, noise: float = 0.3) -> np.ndarray:
    rng, steps = np.random.default_rng(0), np.arange(n)
    return (np.sin(2 * np.pi * steps / period) + noise * rng.normal(size=n))[:, None]


def task_of(rows: np.ndarray, **how: Any) -> ForecastingTask:
    task = load_task(rows.T[None], kind="forecasting", **{"horizons": (8,), **how})
    assert isinstance(task, ForecastingTask)
    return task


@pytest.mark.parametrize("period", [4, 7, 24, 48, 96, 168, 336])
def test_the_period_is_found_in_noise_and_drift_and_not_a_multiple_of_it(period: int) -> None:
    rows = season(4000, period)
    drift = 0.1 * np.random.default_rng(1).normal(size=(4000, 1)).cumsum(axis=0)
    slow = 3 * np.sin(2 * np.pi * np.arange(4000) / 3900)[:, None]
    for series in (rows, rows + drift, rows + slow):
        assert find_period([series]) == pytest.approx(period, abs=1, rel=0.05)


def test_neither_noise_nor_drift_has_a_period() -> None:
    rng = np.random.default_rng(0)
    noise = [find_period([rng.normal(size=(n, 1))]) for n in (50, 300, 2000) for _ in range(20)]
    walks = [find_period([rng.normal(size=(n, 1)).cumsum(axis=0)]) for n in (50, 300) for _ in range(20)]
    assert noise.count(1) >= 56 and walks.count(1) >= 36
    assert find_period([]) == find_period([np.zeros((0, 2))]) == find_period([np.full((90, 1), np.nan)]) == 1


def test_the_order_and_the_unit_of_columns_do_not_count_for_the_period() -> None:
    rows = np.hstack([season(900, 24), season(900, 24, noise=2.0), season(900, 60)])
    assert find_period([rows]) == find_period([rows[:, ::-1]]) == find_period([1e6 * rows + 3]) == 24


def test_much_data_takes_no_longer() -> None:
    rows = np.broadcast_to(season(1_000_000, 24).astype(np.float32), (1_000_000, 300))
    began = time.perf_counter()
    assert find_period([rows]) == 24
    assert time.perf_counter() - began < 20


@pytest.mark.parametrize(
    ("train_rows", "period", "window", "why"),
    [
        (60, 12, 8, ""),
        (400, 12, 50, ""),
        (8000, 1, 96, "no period"),
        (8000, 24, 96, "4 periods of 24 steps"),
        (8000, 48, 96, "2 periods of 48 steps"),
        (8000, 96, 192, "2 periods of 96 steps"),
        (8000, 168, 336, "2 periods of 168 steps"),
        (8000, 336, 512, "1.5 periods of 336 steps"),
        (2000, 168, 192, "1.1 periods of 168 steps"),
        (2000, 365, 96, "a period of 365 steps, longer than any window"),
    ],
)
def test_the_own_window_holds_two_periods_where_rows_allow(train_rows: int, period: int, window: int, why: str) -> None:
    assert own_window(train_rows, period=period) == (window, why)


def test_the_window_follows_from_the_training_rows_and_the_protocol_says_why() -> None:
    rows = season(4000, 96)
    task = task_of(rows)
    assert (task.spec.window, task.period) == (192, 96)
    assert "window 192 (2 periods of 96 steps)" in task.spec.protocol
    rows[3000:] = season(1000, 24)
    assert task_of(rows).spec.window == 192
    named = task_of(rows, window=96)
    assert named.spec.window == 96 and "window 96;" in named.spec.protocol and named.hash != task.hash


def test_a_named_window_or_protocol_or_few_rows_leave_no_choice() -> None:
    rows = season(7000, 24)
    task = task_of(rows)
    assert task.spec.window == 96 and task.lookbacks == (0, 192, 336, 512)
    assert task_of(rows[:3000]).lookbacks == (0, 192)
    assert task_of(rows[:600]).lookbacks == (0,)
    assert task_of(rows, window=96).lookbacks == task_of(rows, protocol="long_horizon").lookbacks == (0,)
    assert load_task("examples/data/ItalyPowerDemand", kind="classification").lookbacks == (0,)


def test_another_window_keeps_the_origins_and_everything_else() -> None:
    rows = season(3000, 24)
    task, wide = task_of(rows), task_of(rows).with_window(192)
    assert task.with_window(0) is task.with_window(96) is task
    assert wide.hash == task.hash and wide.spec.raw_lags == task.spec.raw_lags and wide.period == task.period
    assert wide.spec.protocol.startswith(task.spec.protocol) and wide.spec.protocol.endswith("looks back 192")
    opened = task.open_test()
    wide_opened = opened.with_window(192)
    for part in ("train", "validation", "test"):
        one, other = (every.origins(part, 8) for every in (opened, wide_opened))
        keep = one.step >= 191
        np.testing.assert_array_equal(one.step[keep], other.step)
        assert keep.all() or part == "train"
        np.testing.assert_array_equal(opened.targets_at(other, 8), wide_opened.targets_at(other, 8))
        narrow, windows = opened.windows_at(other).gather(), wide_opened.windows_at(other).gather()
        np.testing.assert_array_equal(windows[:, 96:], narrow)
    assert wide.training_windows().length == 192


def test_a_window_without_training_rows_is_an_error() -> None:
    task = task_of(season(600, 24))
    with pytest.raises(ValueError, match=r"window must be in 1\.\.\d+ for these training rows, got 512"):
        task.with_window(512)
    cases = load_task("examples/data/ItalyPowerDemand", kind="classification")
    assert cases.with_window(cases.spec.window) is cases
    with pytest.raises(ValueError, match="tasks of kind classification have windows of their own, got 96"):
        cases.with_window(96)
