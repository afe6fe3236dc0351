"""Anomaly tasks from data: splits, real or planted validation, seed tasks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from downstream import load_task
from downstream.anomaly.task import AnomalyTask
from downstream.errors import DataError, DataWarning

OFFICE = Path(__file__).parents[3] / "examples" / "data" / "ambient_temperature_system_failure.csv"


def _frame(n_rows: int = 600, *, anomalies: tuple[int, ...] = (500,), n_train: int | None = 400) -> pd.DataFrame:
    frame = pd.DataFrame({"v": np.random.default_rng(0).normal(size=n_rows).cumsum(), "label": 0})
    frame.loc[list(anomalies), "label"] = 1
    if n_train is not None:
        frame["split"] = np.where(np.arange(n_rows) < n_train, "train", "test")
    return frame


def _load(source: object, **options: object) -> AnomalyTask:
    task = load_task(source, kind="anomaly", **options)  # type: ignore[arg-type]
    assert isinstance(task, AnomalyTask)
    return task


def test_example_series() -> None:
    task = load_task(OFFICE, kind=None)
    assert isinstance(task, AnomalyTask) and task.bounds == (525,) and task.spec.window == 64
    assert task.scaler.n_rows_seen == 525 and task.training_windows().n == 525 - 63
    (test,) = task.open_test()
    assert (test.n, int(test.labels.sum()), test.context, test.planted) == (6517, 726, 750, False)
    assert test.n == 6517


def test_validation_is_planted_in_the_last_training_rows() -> None:
    frame = _frame()
    task = _load(frame)
    (rows,) = task.validation
    assert rows.planted and rows.context == 280 and rows.n == 120 and set(rows.labels.tolist()) == {0, 1}
    np.testing.assert_array_equal(rows.values[:280], task.series[0][:280])
    clean = task.series[0][280:]
    np.testing.assert_array_equal(rows.values[280:][rows.labels == 0], clean[rows.labels == 0])
    assert (rows.values[280:] != clean).any() and "planted anomalies (rng_seed 0)" in task.spec.protocol
    assert task.hash != _load(frame, rng_seed=1).hash


def test_real_labels_in_the_validation_rows_are_used() -> None:
    task = _load(_frame(anomalies=(300, 301, 500)))
    (rows,) = task.validation
    assert not rows.planted and np.flatnonzero(rows.labels).tolist() == [20, 21]
    np.testing.assert_array_equal(rows.values, task.series[0])


def test_test_labels_do_not_decide_anything_but_the_test() -> None:
    one, two = _load(_frame(anomalies=(500,))), _load(_frame(anomalies=(450, 599)))
    np.testing.assert_array_equal(one.validation[0].values, two.validation[0].values)
    np.testing.assert_array_equal(one.validation[0].labels, two.validation[0].labels)


def test_without_split_half_trains_and_without_labels_test_is_unlabelled() -> None:
    task = _load(_frame(n_train=None).drop(columns="label"))
    assert len(task.series[0]) == 300 and task.labels is None and "test metrics are not available" in task.spec.protocol
    assert task.open_test()[0].labels is None


def test_seed_task_validates_on_labelled_rows() -> None:
    task = _load(_frame(), pool_test=True)
    (rows,) = task.validation
    assert task.bounds == (400,) and rows.n == 200 and np.flatnonzero(rows.labels).tolist() == [100]
    with pytest.raises(DataError, match=r"no test part: the labelled rows"):
        task.open_test()


def test_seed_task_without_labels_plants() -> None:
    task = _load(_frame(anomalies=()), pool_test=True)
    assert task.validation[0].planted and task.bounds == (280,) and not task.has_test


def test_max_rows_keeps_training_tail_and_in_seed_tasks_a_span_with_anomalies() -> None:
    frame = _frame(2000, anomalies=tuple(range(1500, 1600)), n_train=1000)
    task = _load(frame, max_rows=200)
    assert len(task.series[0]) == 200 and task.open_test()[0].n == 1000
    (rows,) = _load(frame, max_rows=200, pool_test=True).validation
    assert rows.n == 200 and int(rows.labels.sum()) == 50


def test_folder_is_one_task_of_several_series(tmp_path: Path) -> None:
    for i in range(3):
        frame = _frame()
        frame["v"] = frame["v"] * 10**i + i
        frame.to_csv(tmp_path / f"s{i}.csv", index_label="step")
    task = _load(tmp_path)
    assert task.names == ("s0.csv", "s1.csv", "s2.csv") and len(task.open_test()) == 3
    np.testing.assert_allclose(task.series[0], task.series[2], atol=1e-4)
    windows = task.training_windows().gather()
    np.testing.assert_allclose(windows[: len(windows) // 3], windows[-(len(windows) // 3) :], atol=1e-4)
    assert len(_load(tmp_path, max_cases=2).series) == 2


def test_series_that_cannot_train_are_left_out_with_their_reason(tmp_path: Path) -> None:
    _frame().to_csv(tmp_path / "good.csv", index_label="step")
    _frame(40, anomalies=(), n_train=20).to_csv(tmp_path / "short.csv", index_label="step")
    _frame().assign(v=1.0).to_csv(tmp_path / "flat.csv", index_label="step")
    _frame().assign(v=np.nan).to_csv(tmp_path / "void.csv", index_label="step")
    with pytest.warns(
        DataWarning, match=r"3 series left out: flat.csv: .*constant.*; short.csv: 20 .*; void.csv: .*no value"
    ):
        assert _load(tmp_path).names == ("good.csv",)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (_frame(20, anomalies=(), n_train=10), "DataFrame: 10 training rows are too few for window"),
        (_frame().assign(v=2.0), "every variate is constant"),
    ],
)
def test_no_usable_series(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _load(frame)


def test_series_without_test_rows() -> None:
    task = _load(_frame(anomalies=(), n_train=600))
    with pytest.raises(DataError, match=r"there are no test rows"):
        task.open_test()


def test_training_labels_are_kept() -> None:
    task = _load(_frame(anomalies=(7, 500)))
    assert task.labels is not None and np.flatnonzero(task.labels[0]).tolist() == [7]
