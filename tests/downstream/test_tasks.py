"""Tasks: sealed test parts, origins against a naive loop, and windows that never see the future."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from downstream import load_task
from downstream.errors import DataError
from downstream.forecasting.task import ForecastingTask, Origins
from downstream.kinds import KINDS, task_kind
from downstream.task import Sealed, TaskSpec, task_hash


def _walk(n_rows: int = 300, variates: int = 2, rng_seed: int = 0) -> np.ndarray:
    return np.random.default_rng(rng_seed).normal(size=(n_rows, variates)).cumsum(axis=0)


def _forecasting(values: np.ndarray, **options: object) -> ForecastingTask:
    chosen = {"window": 16, "horizons": (4, 8), "raw_lags": 24, "layout": "ntc", **options}
    task = load_task(values, kind="forecasting", **chosen)
    assert isinstance(task, ForecastingTask)
    return task


def test_sealed_opens_once() -> None:
    sealed = Sealed("content")
    assert sealed.exists and sealed.open("set") == "content"
    with pytest.raises(RuntimeError, match="set: the test part was opened before"):
        sealed.open("set")
    with pytest.raises(DataError, match="no test part: because"):
        Sealed(None, reason="because").open("set")


@pytest.mark.parametrize("kind", KINDS)
def test_open_test_works_once_and_without_test_removes_it(kind: str) -> None:
    cases = _walk(40 * 20).reshape(40, 20, 2)
    source = (cases, np.arange(40) % 2) if task_kind(kind).whole_cases else _walk()
    task = load_task(source, kind=kind, layout="ntc", window=16, horizons=4 if kind == "forecasting" else None)
    worker = pickle.loads(pickle.dumps(task.without_test()))
    assert task.has_test and not worker.has_test and worker.hash == task.hash
    with pytest.raises(DataError, match="without_test"):
        worker.open_test()
    task.open_test()
    with pytest.raises(RuntimeError, match="opened before"):
        task.open_test()


@pytest.mark.parametrize(("part", "first", "end"), [("train", 0, 180), ("validation", 180, 240), ("test", 240, 300)])
@pytest.mark.parametrize("delay", [0, 1])
def test_origins_equal_a_naive_loop(part: str, first: int, end: int, delay: int) -> None:
    task = replace(_forecasting(_walk()).open_test(), origin_delay=delay)
    naive = [
        t
        for t in range(300)
        if t >= 15 and t >= first - 1 + delay and all(first <= row < end for row in range(t + 1, t + 9))
    ]
    series, step = task.origins(part, 8)
    assert step.tolist() == naive and not series.any()
    assert task.origins(part, 8, stride=3).step.tolist() == naive[::3]


def test_windows_lags_and_targets_equal_slices() -> None:
    task = _forecasting(np.stack([_walk(200, rng_seed=1), _walk(200, rng_seed=2)]))
    origins = task.origins("validation", 8)
    windows, lags = task.windows_at(origins).gather(), task.lags_at(origins).gather()
    targets = task.targets_at(origins, 8)
    assert set(origins.series.tolist()) == {0, 1}
    for row, (number, t) in enumerate(zip(*origins, strict=True)):
        values = task.series[number]
        np.testing.assert_array_equal(windows[row], values[t - 15 : t + 1])
        np.testing.assert_array_equal(lags[row], values[t - 23 : t + 1])
        np.testing.assert_array_equal(targets[row], values[t + 1 : t + 9])


def test_lags_before_the_first_row_are_missing() -> None:
    task = _forecasting(np.stack([_walk(200, rng_seed=1), _walk(200, rng_seed=2)]))
    lags = task.lags_at(Origins(np.array([1]), np.array([15]))).gather()[0]
    assert np.isnan(lags[:8]).all()
    np.testing.assert_array_equal(lags[8:], task.series[1][:16])


def test_targets_hold_only_target_columns() -> None:
    task = _forecasting(_walk(variates=3), target=("variate_2",))
    assert task.variates == ("variate_2", "variate_0", "variate_1") and task.n_targets == 1
    origins = task.origins("train", 4)
    assert task.targets_at(origins, 4).shape == (len(origins.step), 4, 1)
    assert task.windows_at(origins).n_variates == 3


def test_bad_questions_about_origins() -> None:
    task = _forecasting(_walk())
    with pytest.raises(ValueError, match="part must be one of"):
        task.origins("future", 4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="only in the task that open_test"):
        task.origins("test", 4)
    with pytest.raises(ValueError, match="at least 1"):
        task.origins("train", 0)
    with pytest.raises(ValueError, match="leave the series"):
        task.targets_at(Origins(np.array([0]), np.array([236])), 4)


def test_forecasting_never_touches_test_rows() -> None:
    values = _walk()
    poisoned = values.copy()
    poisoned[240:] = 1e9
    clean, dirty = _forecasting(values), _forecasting(poisoned)
    for part in ("train", "validation"):
        origins, same = clean.origins(part, 8), dirty.origins(part, 8)
        np.testing.assert_array_equal(origins.step, same.step)
        np.testing.assert_array_equal(clean.windows_at(origins).gather(), dirty.windows_at(same).gather())
        np.testing.assert_array_equal(clean.lags_at(origins).gather(), dirty.lags_at(same).gather())
        np.testing.assert_array_equal(clean.targets_at(origins, 8), dirty.targets_at(same, 8))
    np.testing.assert_array_equal(clean.training_windows().gather(), dirty.training_windows().gather())
    assert clean.scaler.n_rows_seen == 180 and len(clean.series[0]) == 240
    np.testing.assert_array_equal(clean.scaler.mean, dirty.scaler.mean)
    assert clean.hash != dirty.hash


def test_training_windows_stay_in_training_rows_and_skip_missing_ones() -> None:
    values = _walk()
    values[40:80] = np.nan
    task = _forecasting(values)
    windows = task.training_windows()
    train = task.series[0][:180]
    naive = [train[s : s + 16] for s in range(165) if not np.isnan(train[s : s + 16]).all()]
    np.testing.assert_array_equal(windows.gather(), np.stack(naive))
    assert len(task.training_windows(limit=20)) <= 21


def test_classification_never_touches_test_cases() -> None:
    cases, labels = _walk(40 * 20).reshape(40, 20, 2), np.arange(40) % 2
    clean = load_task((cases, labels, cases, labels), kind="classification", layout="ntc")
    dirty = load_task((cases, labels, cases + 1e9, labels), kind="classification", layout="ntc")
    np.testing.assert_array_equal(clean.training_windows().gather(), dirty.training_windows().gather())
    assert clean.hash != dirty.hash


def test_anomaly_never_touches_test_rows() -> None:
    values = _walk(800)
    poisoned = values.copy()
    poisoned[400:] = 1e9
    clean, dirty = (load_task(v, kind="anomaly", layout="ntc", window=16) for v in (values, poisoned))
    np.testing.assert_array_equal(clean.training_windows().gather(), dirty.training_windows().gather())
    for one, two in zip(clean.validation, dirty.validation, strict=True):
        np.testing.assert_array_equal(one.values, two.values)
        np.testing.assert_array_equal(one.labels, two.labels)


def test_hash_knows_data_and_facts_but_no_names() -> None:
    values = _walk()
    task = _forecasting(values)
    assert task.hash == _forecasting(values, name="other").hash
    assert task.hash != _forecasting(values, window=17).hash
    assert task.hash != _forecasting(values[:, ::-1]).hash
    assert task.hash != _forecasting(values, horizons=(4,)).hash


def test_hash_is_pinned() -> None:
    # Banks on disk are keyed by this: a change here orphans every stored trial.
    arrays = [np.array([[1.0, np.nan]]), np.array([0, 1], dtype=np.int8)]
    assert task_hash({"window": 3}, arrays) == "5ddb91a3cd2e378b"


def test_a_spec_checks_its_numbers() -> None:
    good: dict[str, object] = {"name": "n", "kind": "forecasting", "window": 4, "horizons": (1,), "raw_lags": 4}
    good.update(metric="mse", higher_is_better=False, family="f", protocol="p")
    TaskSpec(**good)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="kind must be one of"):
        TaskSpec(**{**good, "kind": "clustering"})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 1"):
        TaskSpec(**{**good, "window": 0})  # type: ignore[arg-type]


def test_repr_is_short() -> None:
    assert repr(_forecasting(_walk(), name="walk")).startswith("ForecastingTask('walk', n_variates=2, window=16")
