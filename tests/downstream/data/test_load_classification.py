"""Classification tasks from data: pairs, pooling, unequal lengths, thinning, and classes that do not work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from downstream import load_task
from downstream.classification.task import ClassificationTask
from downstream.errors import DataError, DataWarning

TAXI = Path(__file__).parents[3] / "examples" / "data" / "NycTaxiDays"
_RNG = np.random.default_rng(0)
_X = _RNG.normal(3.0, 2.0, size=(60, 2, 10))
_Y = np.array(["c", "a", "b"] * 20)


def _load(source: object, **options: object) -> ClassificationTask:
    task = load_task(source, kind="classification", **options)  # type: ignore[arg-type]
    assert isinstance(task, ClassificationTask)
    return task


def test_official_pair_is_kept() -> None:
    task = load_task(TAXI, kind=None)
    assert isinstance(task, ClassificationTask)
    assert task.classes == ("friday", "saturday", "sunday", "weekday") and task.spec.window == 48
    assert np.bincount(task.labels).tolist() == [18, 17, 17, 71]
    test = task.open_test()
    assert test.windows.n == len(test.labels) == 92


def test_scaled_by_training_cases_per_variate() -> None:
    task = _load((_X, _Y, _X + 5, _Y))
    train = task.windows.gather()
    np.testing.assert_allclose(train.mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(axis=(0, 1)), 1, atol=1e-5)
    deviation = _X.transpose(0, 2, 1).reshape(-1, 2).std(axis=0)
    np.testing.assert_allclose(task.open_test().windows.gather(), train + 5 / deviation, atol=1e-4)
    assert task.scaler.n_rows_seen == 600


def test_without_test_file_the_split_is_stratified_and_reproducible() -> None:
    one, two, other = (_load((_X, _Y), rng_seed=seed) for seed in (0, 0, 1))
    assert np.bincount(one.labels).tolist() == [14, 14, 14]
    assert np.bincount(one.open_test().labels).tolist() == [6, 6, 6]
    assert "stratified 70/30 split with rng_seed 0" in one.spec.protocol
    assert one.hash == two.hash != other.hash


def test_numeric_classes_are_ordered_by_value() -> None:
    labels = np.array([10, 2, 1] * 20)
    task = _load((_X, labels, _X, labels))
    assert task.classes == ("1", "2", "10") and task.labels[:3].tolist() == [2, 1, 0]


def test_unequal_lengths_are_padded_with_missing_values() -> None:
    cases = [np.random.default_rng(i).normal(size=(2, 5 + i % 3)) for i in range(12)]
    task = _load((cases, [0, 1] * 6, cases, [0, 1] * 6))
    windows = task.windows.gather()
    assert task.spec.window == 7
    for case, window in zip(cases, windows, strict=True):
        assert (~np.isnan(window)).all(axis=1).sum() == case.shape[1]
        assert np.isnan(window[case.shape[1] :]).all()


def test_seed_task_pools_both_parts() -> None:
    task = _load((_X[:30], _Y[:30], _X[30:], _Y[30:]), pool_test=True)
    assert task.windows.n == 60 and task.scaler.n_rows_seen == 600
    with pytest.raises(DataError, match=r"no test part: all cases are for"):
        task.open_test()


def test_seed_task_knows_classes_of_the_test_part() -> None:
    train, test = np.flatnonzero(_Y != "b"), np.flatnonzero(_Y == "b")
    assert _load((_X[train], _Y[train], _X[test], _Y[test]), pool_test=True).classes == ("a", "b", "c")


def test_max_cases_is_stratified() -> None:
    task = _load((_X, _Y, _X, _Y), max_cases=30)
    assert np.bincount(task.labels).tolist() == [10, 10, 10] and "30 training cases" in task.spec.protocol


def test_long_cases_are_averaged_over_what_is_observed() -> None:
    cases = np.arange(80.0).reshape(8, 1, 10) ** 2
    cases[0, 0, :3] = [np.nan, 4.0, np.nan]
    task = _load((cases, [0, 1] * 4, cases, [0, 1] * 4), max_length=4)
    values = task.scaler.inverse(task.windows.gather())
    expected = np.stack([np.nanmean(cases[:, 0, i : i + 3], axis=1) for i in range(0, 10, 3)], axis=1)
    np.testing.assert_allclose(values[:, :, 0], expected, rtol=1e-4)
    assert "groups of 3 (10 steps before)" in task.spec.protocol


def test_seed_tasks_thin_long_cases_by_default() -> None:
    cases = np.random.default_rng(0).normal(size=(6, 1, 1000))
    assert _load((cases, [0, 1] * 3), pool_test=True).spec.window == 500
    assert _load((cases, [0, 1] * 3, cases, [0, 1] * 3)).spec.window == 1000


def test_variates_choose_channels() -> None:
    task = _load((_X, _Y, _X, _Y), variates=["channel_1"])
    assert task.variates == ("channel_1",) and task.windows.n_variates == 1
    with pytest.raises(DataError, match=r"unknown channel 'channel_7'"):
        _load((_X, _Y), variates=["channel_7"])


def test_entirely_missing_cases_do_not_train() -> None:
    cases = _X.copy()
    cases[4] = np.nan
    task = _load((cases, _Y, cases, _Y))
    assert task.windows.n == 60 and task.training_windows().n == 59


def test_a_single_case_of_a_class_warns() -> None:
    labels = np.array(["a"] * 5 + ["b"])
    with pytest.warns(DataWarning, match=r"one training case only: class b"):
        _load((_X[:6], labels, _X[:6], labels))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ((_X[:4], ["a"] * 4), "all training cases have the same class"),
        ((_X[:4], ["a"] * 4, _X[:4], ["a"] * 4), "all training cases have the same class"),
        ((_X[:3], ["a", "b", "c"]), "every class has one training case only"),
        ((_X, _Y, _X[:1], ["d"]), r"\(test\): case 0 has the class 'd', which no training case has"),
        ((_X, _Y, _X[:1, :1], ["a"]), r"\(test\): 1 channels, but arrays has 2"),
        ((np.ones((6, 1, 5)), [0, 1] * 3, _X[:1, :1], [0]), "variate 'channel_0' is constant"),
    ],
)
def test_what_cannot_be_classified(source: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _load(source)


def test_infinite_values_in_a_file_are_placed(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    path.write_text("@classLabel true a b\n@data\n1,2:a\n3,inf:b\n1,1:a\n2,2:b\n")
    with pytest.raises(DataError, match=r"a.ts: case 1, step 1, channel 0 is infinite"):
        _load(path)
