"""Forecasting tasks from data: protocols, panels, slices, and what does not fit."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from downstream import load_task
from downstream.errors import DataError, DataWarning
from downstream.forecasting.task import ForecastingTask
from downstream.forecasting.ts2vec.time_features import time_features

ETTH1 = Path(__file__).parents[3] / "examples" / "data" / "ETTh1.csv"


def _walk(n_rows: int, variates: int = 1, rng_seed: int = 0) -> np.ndarray:
    return np.random.default_rng(rng_seed).normal(size=(n_rows, variates)).cumsum(axis=0)


def _load(source: object, **options: object) -> ForecastingTask:
    task = load_task(source, kind="forecasting", **{"layout": "ntc", **options})  # type: ignore[arg-type]
    assert isinstance(task, ForecastingTask)
    return task


def test_etth1_by_the_ts2vec_protocol() -> None:
    task = _load(ETTH1, protocol="ts2vec")
    assert task.bounds == ((8640, 11520),) and task.spec.window == 201 and task.spec.family == "ett"
    assert task.spec.horizons == (24, 48, 168, 336, 720)
    assert (task.n_targets, task.n_variates, task.scaler.n_rows_seen) == (7, 14, 8640)
    frame = pd.read_csv(ETTH1)
    expected = StandardScaler().fit(frame.iloc[:8640, 1:].to_numpy()).transform(frame.iloc[:11520, 1:].to_numpy())
    np.testing.assert_allclose(task.series[0][:, :7], expected, atol=1e-5)
    test = task.open_test()
    for horizon in task.spec.horizons:
        train, validation, last = (test.origins(part, horizon).step for part in ("train", "validation", "test"))
        assert (train[0], train[-1]) == (200, 8639 - horizon)
        assert (validation[0], validation[-1]) == (8640, 11519 - horizon)
        assert (last[0], last[-1], len(last)) == (11520, 14399 - horizon, 2880 - horizon)


def test_etth1_by_default_starts_one_row_earlier() -> None:
    task = _load(ETTH1, target="OT").open_test()
    assert task.variates[0] == "OT" and task.n_targets == 1 and task.n_variates == 7
    assert (task.spec.window, task.spec.raw_lags) == (96, 336)
    assert task.origins("test", 720).step[0] == 11519 and len(task.origins("test", 720).step) == 2161


def test_long_horizon_protocol() -> None:
    task = _load(ETTH1, protocol="long_horizon")
    assert task.spec.horizons == (96, 192, 336, 720) and task.spec.window == 336
    assert task.spec.protocol.startswith("long_horizon; splits 8640/2880/2880 rows (standard for ETT)")


def test_time_features_are_the_calendar_standardised_on_training_rows() -> None:
    times = pd.date_range("2016-07-01", periods=500, freq="h")
    features = time_features(times, train_end=300)
    raw = np.array(
        [[t.minute, t.hour, t.weekday(), t.day, t.timetuple().tm_yday, t.month, t.isocalendar()[1]] for t in times]
    )
    np.testing.assert_allclose(features, StandardScaler().fit(raw[:300]).transform(raw), atol=1e-5)


def test_ts2vec_needs_time_stamps() -> None:
    with pytest.raises(DataError, match=r"'ts2vec' needs a column of time stamps"):
        _load(_walk(2000), protocol="ts2vec")


def test_defaults_shrink_to_short_series() -> None:
    task = _load(_walk(100))
    assert task.spec.window == 8 and task.spec.horizons == (6,)
    task = _load(_walk(2000))
    assert (
        task.spec.window == 96
        and task.spec.horizons == (24, 48)
        and "that fit the validation part" in task.spec.protocol
    )


def test_rows_and_max_rows_cut_time() -> None:
    values = _walk(1000)
    one = _load(values, rows=(200, 800), max_rows=500)
    two = _load(values[300:800])
    np.testing.assert_array_equal(one.series[0], two.series[0])
    assert one.hash == two.hash
    with pytest.raises(DataError, match=r"rows=.0, 2000. leaves the series, which has 1000 rows"):
        _load(values, rows=(0, 2000))


def test_seed_task_has_no_test_part() -> None:
    task = _load(_walk(1000), pool_test=True)
    assert task.bounds == ((700, 1000),)
    with pytest.raises(DataError, match=r"no test part: the splits leave"):
        task.open_test()


def test_panels_drop_what_is_too_short_or_flat_with_a_count() -> None:
    panel = [_walk(400, rng_seed=i) for i in range(3)] + [_walk(30), np.ones((400, 1))]
    with pytest.warns(DataWarning, match=r"2 of 5 series left out .1 shorter than window 20 . horizon 5 .*, 1 without"):
        task = _load(panel, window=20, horizons=5)
    assert len(task.series) == 3 and task.scaler.n_rows_seen == 3 * 240
    for series in task.series:
        assert series[:240].mean() == pytest.approx(0, abs=1e-5) and series[:240].std() == pytest.approx(1, abs=1e-5)


def test_max_cases_keeps_some_series_of_a_panel() -> None:
    panel = [_walk(400, rng_seed=i) for i in range(6)]
    one, two = (_load(panel, window=20, horizons=5, max_cases=2) for _ in range(2))
    assert len(one.series) == 2 and one.hash == two.hash
    assert one.hash != _load(panel, window=20, horizons=5, max_cases=2, rng_seed=1).hash


def test_missing_values_stay_missing() -> None:
    values = _walk(400, 2)
    values[10:20, 0] = np.nan
    task = _load(values)
    assert np.isnan(task.series[0][10:20, 0]).all() and not np.isnan(task.series[0][:, 1]).any()
    assert task.scaler.mean[0, 0] == pytest.approx(np.nanmean(values[:240, 0]))


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (_walk(100), {"window": 50, "horizons": 40}, "do not fit 60 training and 20 validation rows; .* is 10"),
        (_walk(20), {"window": 15}, "too short or constant for window 15 . horizon"),
        (np.hstack([_walk(100), np.ones((100, 1))]), {}, "variate 'variate_1' is constant in the training rows"),
        (np.full((100, 2), np.nan), {}, "variate 'variate_0', 'variate_1' has no value"),
        (_walk(3, 200), {}, "200 variates: is time the other axis"),
        ([_walk(20), _walk(25)], {"window": 30, "horizons": 5}, "longest series: 25 rows"),
        (_walk(100), {"splits": (90, 9, 1), "horizons": 5}, "too short"),
    ],
)
def test_what_does_not_fit_is_said(values: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _load(values, **options)


def test_a_variate_without_a_value_in_training_is_left_out_with_a_warning() -> None:
    values = np.hstack([np.full((100, 1), np.nan), _walk(100)])
    values[90:, 0] = 1.0  # only test rows have any
    with pytest.warns(DataWarning, match="variate 'variate_0' is left out"):
        task = load_task(values, kind="forecasting", window=8, horizons=4, layout="ntc")
    assert task.variates == ("variate_1",)
    alone = load_task(values[:, 1:], kind="forecasting", window=8, horizons=4, layout="ntc")
    np.testing.assert_array_equal(task.series[0], alone.series[0])


def _hourly(n: int = 120) -> pd.DataFrame:
    return pd.DataFrame({"date": pd.date_range("2024-01-01", periods=n, freq="h"), "a": _walk(n)[:, 0]})


def test_a_frame_written_with_its_index_before_its_times(tmp_path: Path) -> None:
    _hourly().to_csv(tmp_path / "indexed.csv")
    task = load_task(tmp_path / "indexed.csv", kind="forecasting", window=8, horizons=4)
    assert task.variates == ("a",)


@pytest.mark.parametrize("name", ["year", "Unix", "timestamp_ms", "t"])
def test_a_first_column_called_like_a_time_is_no_variate(name: str) -> None:
    frame = _hourly().drop(columns="date")
    frame.insert(0, name, np.arange(120) + 1900)
    assert load_task(frame, kind="forecasting", window=8, horizons=4).variates == ("a",)


def test_gaps_in_time_are_told_but_for_those_of_working_days() -> None:
    frame = _hourly(200)
    with pytest.warns(DataWarning, match=r"column 'date': 1 gaps in time, the longest of about 41 steps before row 50"):
        load_task(pd.concat([frame[:50], frame[90:]], ignore_index=True), kind="forecasting", window=8, horizons=4)
    for freq in ("B", "MS", "D"):
        even = frame.assign(date=pd.date_range("2020-01-01", periods=200, freq=freq))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            load_task(even, kind="forecasting", window=8, horizons=4)
