"""Exponential smoothing against statsmodels' own forecasts, and what is said where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from downstream import load_task
from downstream.evaluation import baselines
from downstream.forecasting.smoothing import fitting
from downstream.forecasting.smoothing.fitting import fit, left_out
from downstream.forecasting.smoothing.states import Smoothing, State
from downstream.forecasting.task import ForecastingTask

PERIOD = 12


def rows_of(n: int, *, period: int = PERIOD, n_variates: int = 2) -> np.ndarray:
    rng, time = np.random.default_rng(0), np.arange(n)[:, None]
    season = np.sin(2 * np.pi * time / period + np.arange(n_variates))
    return season + 0.002 * time + 0.1 * rng.normal(size=(n, n_variates)).cumsum(axis=0) * 0.3


def task_of(rows: np.ndarray, **how: Any) -> ForecastingTask:
    panel = rows if rows.ndim == 3 else rows[None]
    task = load_task(panel.transpose(0, 2, 1), kind="forecasting", **{"horizons": (5, 30), **how})
    assert isinstance(task, ForecastingTask)
    return task


def a_model(period: int) -> tuple[Smoothing, State]:
    rng = np.random.default_rng(1)
    parameters = rng.uniform(0.05, 0.9, size=(4, 2))
    return Smoothing(*parameters), State(*rng.normal(size=(2, 2)), season=rng.normal(size=(period, 2)))


@pytest.mark.parametrize("period", [1, 3, 12])
def test_states_and_forecasts_equal_the_loop(period: int) -> None:
    model, begin = a_model(period)
    if period == 1:
        model, begin = replace(model, gamma=np.zeros(2)), replace(begin, season=np.zeros((1, 2)))
    rows = np.random.default_rng(2).normal(size=(40, 2))
    states = model.filtered(rows, begin)
    at = np.array([0, 1, 17, 40])
    ahead = model.forecasts(states, at, horizon=2 * period + 5)
    for v in range(2):
        alpha, beta, gamma, phi = (part[v] for part in (model.alpha, model.beta, model.gamma, model.phi))
        level, trend, season = begin.level[v], begin.trend[v], list(begin.season[:, v])
        for t in range(41):
            if t in at:
                expected = [
                    level + sum(phi**k for k in range(1, h + 1)) * trend + season[-period:][(h - 1) % period]
                    for h in range(1, 2 * period + 6)
                ]
                np.testing.assert_allclose(ahead[list(at).index(t), :, v], expected)
            if t < 40:
                error = rows[t, v] - level - phi * trend - season[-period]
                level, trend = level + phi * trend + alpha * error, phi * trend + beta * error
                season.append(season[-period] + gamma * error)


@pytest.mark.parametrize("damped", [False, True])
@pytest.mark.parametrize("period", [1, PERIOD])
def test_forecasts_are_those_of_statsmodels(period: int, damped: bool) -> None:
    ets = pytest.importorskip("statsmodels.tsa.exponential_smoothing.ets", reason="the extra forecasting")
    rows = rows_of(400)
    model, state = fit(rows[:300], period=period, damped=damped)
    states = model.filtered(rows[300:], state)
    how = {"seasonal": "add", "seasonal_periods": period} if period > 1 else {}
    for v in range(2):
        shape = {
            "error": "add",
            **({"trend": "add", "damped_trend": True} if damped else {}),
            "initialization_method": "heuristic",
            **how,
        }
        parameters = ets.ETSModel(rows[:300, v], **shape).fit(disp=False).params
        for seen in (0, 1, 57, 100):
            # the parameters, and the states before the first row, are those of the training rows
            known = ets.ETSModel(rows[: 300 + seen, v], **shape).smooth(parameters)
            ours = model.forecasts(states, np.array([seen]), horizon=30)[0, :, v]
            np.testing.assert_allclose(ours, known.forecast(30), rtol=1e-6, atol=1e-8)


def test_the_report_has_its_row_and_follows_drift_that_a_repeated_season_does_not() -> None:
    pytest.importorskip("statsmodels", reason="the extra forecasting")
    task = task_of(rows_of(1500))
    assert task.period == PERIOD
    found = baselines(task, task.open_test())
    assert found["exponential_smoothing"].settings["period"] == str(PERIOD)
    assert found["exponential_smoothing"].value < min(found[name].value for name in ("repeat_last", "seasonal_naive"))
    assert "exponential_smoothing" not in found["seasonal_naive"].settings


def test_what_comes_after_an_origin_and_in_other_columns_changes_nothing() -> None:
    pytest.importorskip("statsmodels", reason="the extra forecasting")
    rows = rows_of(400)
    model, state = fit(rows[:300], period=PERIOD, damped=True)
    ahead = model.forecasts(model.filtered(rows[300:], state), np.array([50]), horizon=9)
    other = rows.copy()
    other[350:] += 5
    np.testing.assert_array_equal(model.forecasts(model.filtered(other[300:], state), np.array([50]), horizon=9), ahead)
    swapped, begin = fit(rows[:300, ::-1], period=PERIOD, damped=True)
    of_swapped = swapped.forecasts(swapped.filtered(rows[300:, ::-1], begin), np.array([50]), horizon=9)
    np.testing.assert_allclose(of_swapped[..., ::-1], ahead, rtol=1e-10)


def test_what_never_changed_is_expected_to_stay() -> None:
    rows = np.full((60, 1), 3.0)
    for period in (1, PERIOD, 40):
        model, state = fit(rows, period=period, damped=True)
        states = model.filtered(np.array([[3.0], [5.0]]), state)
        np.testing.assert_array_equal(model.forecasts(states, np.array([0, 2]), horizon=30), 3.0)


def test_gaps_and_panels_have_forecasts() -> None:
    pytest.importorskip("statsmodels", reason="the extra forecasting")
    rows = rows_of(600)
    rows[[10, 450, 599], 0] = np.nan
    panel = np.stack([rows_of(600), 2 * rows_of(600)])
    for task in (task_of(rows), task_of(panel)):
        found = baselines(task, task.open_test())["exponential_smoothing"]
        assert np.isfinite(list(found.metrics.values())).all()


def test_where_it_is_left_out_the_settings_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("statsmodels", reason="the extra forecasting")
    task = task_of(rows_of(600))
    opened = task.open_test()
    assert left_out(task, opened) == ""
    for name, value, reason in (
        ("MOST_FITS", 1, "2 fits would take too long, at most 1 are made"),
        ("MOST_NUMBERS", 99, "values are too many, at most 99 are filtered"),
        ("LEAST_ROWS", 1000, "it needs 1000 training rows"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(fitting, name, value)
            found = baselines(task, opened)
        assert "exponential_smoothing" not in found
        assert reason in found["seasonal_naive"].settings["exponential_smoothing"]
    monkeypatch.setattr(fitting, "find_spec", lambda name: None)
    assert "not installed" in baselines(task, opened)["seasonal_naive"].settings["exponential_smoothing"]


def test_validation_chooses_the_trend_whatever_the_test_rows_are() -> None:
    pytest.importorskip("statsmodels", reason="the extra forecasting")
    found = []
    for slope in (0.0, 0.5):
        rows = rows_of(1500)
        rows[:1200] += slope * np.arange(1200)[:, None]
        for after in (0.0, 0.5):
            rows[1200:] += rows[1199] - rows[1200] + after * np.arange(300)[:, None]
            task = task_of(rows, horizons=(30,), splits=(900, 300, 300))
            found.append(baselines(task, task.open_test())["exponential_smoothing"].settings["model"])
    assert found[0] == found[1] and found[2] == found[3]
    assert "no trend" in found[0] and "damped trend" in found[2]
