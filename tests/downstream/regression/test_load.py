"""Regression tasks from data: files with targets, arrays, tables, splits, and targets that do not work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from downstream import load_task
from downstream.data.loading import load_plain_series
from downstream.errors import DataError
from downstream.regression.task import RegressionTask

_RNG = np.random.default_rng(0)
_X = _RNG.normal(3.0, 2.0, size=(40, 2, 10))
_Y = _RNG.normal(5.0, 0.1, size=40)
_TS = "@timestamps false\n@targetlabel true\n@data\n"


def _load(source: object, **options: object) -> RegressionTask:
    task = load_task(source, kind="regression", **options)  # type: ignore[arg-type]
    assert isinstance(task, RegressionTask)
    return task


def _pair(folder: Path, *, train: str, test: str = "1,2,4:0.5\n") -> Path:
    (folder / "Toy_TRAIN.ts").write_text(_TS + train)
    (folder / "Toy_TEST.ts").write_text(_TS + test)
    return folder / "Toy_TRAIN.ts"


def test_a_ts_file_with_targets_is_known_by_itself(tmp_path: Path) -> None:
    path = _pair(tmp_path, train="1,2:3,4:1.5\n5,?:7,8:-2e3\n", test="1,2:3,4:0.25\n")
    task = load_task(path, kind=None)
    assert isinstance(task, RegressionTask)
    assert task.labels.tolist() == [1.5, -2000.0] and task.variates == ("channel_0", "channel_1")
    assert task.open_test().labels.tolist() == [0.25]
    assert (task.spec.metric, task.spec.higher_is_better) == ("rmse", False)
    with pytest.raises(DataError, match=r"its labels are numbers, not classes; load it with kind='regression'"):
        load_task(path, kind="classification")
    with pytest.raises(DataError, match=r"labelled cases; load it with kind='regression'"):
        load_task(path, kind="forecasting")


def test_covid3month_equals_aeon() -> None:
    datasets = pytest.importorskip("aeon.datasets", reason="aeon ships a regression set")
    task = _load(Path(datasets.__file__).parent / "data" / "Covid3Month")
    for part, windows, labels in (("train", task.windows, task.labels), ("test", *task.open_test())):
        x, y = datasets.load_covid_3month(split=part)
        np.testing.assert_array_equal(labels, np.asarray(y, dtype=np.float64))
        np.testing.assert_allclose(task.scaler.inverse(windows.gather()), x.transpose(0, 2, 1), atol=1e-3, rtol=1e-5)


def test_arrays_tables_and_npz_give_the_same_task(tmp_path: Path) -> None:
    wide = _X[:, :1]
    task = _load((wide, _Y))
    columns = ",".join(["label", *(f"t{i}" for i in range(10))])
    rows = [",".join(repr(float(value)) for value in (y, *x[0])) for x, y in zip(wide, _Y, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join([columns, *rows]))
    np.savez(tmp_path / "a.npz", X=wide, y=_Y)
    for name in ("a.csv", "a.npz"):
        same = _load(tmp_path / name)
        assert same.hash == task.hash
        np.testing.assert_array_equal(same.labels, task.labels)
        np.testing.assert_array_equal(same.windows.gather(), task.windows.gather())


def test_targets_of_float32_and_whole_numbers_keep_their_value() -> None:
    assert sorted(_load((_X, _Y.astype(np.float32), _X, _Y)).labels) == sorted(_Y.astype(np.float32).astype(float))
    assert _load((_X, np.arange(40.0), _X, np.arange(40))).labels.tolist() == list(range(40))
    huge = np.arange(40.0) * 1e20
    assert _load((_X, huge, _X, huge)).labels.tolist() == huge.tolist()


def test_without_test_file_the_split_is_random_and_reproducible() -> None:
    one, two, other = (_load((_X, _Y), rng_seed=seed) for seed in (0, 0, 1))
    assert one.windows.n == 28 and one.open_test().windows.n == 12
    assert "random 70/30 split with rng_seed 0" in one.spec.protocol
    assert one.hash == two.hash != other.hash


def test_the_hash_sees_targets_and_names_of_no_kind() -> None:
    moved = _Y.copy()
    moved[3] += 0.01
    task = _load((_X, _Y, _X, _Y))
    assert task.hash == _load((_X, _Y, _X, _Y), name="other").hash
    assert task.hash != _load((_X, moved, _X, _Y)).hash
    assert task.hash != _load((_X, _Y, _X, moved)).hash


def test_pooling_subsets_and_thinning_are_those_of_cases() -> None:
    pooled = _load((_X[:30], _Y[:30], _X[30:], _Y[30:]), pool_test=True)
    assert pooled.windows.n == 40 and not pooled.has_test
    few = _load((_X, _Y, _X, _Y), max_cases=12, max_length=5)
    assert few.windows.n == 12 and few.spec.window == 5 and "12 training cases (random" in few.spec.protocol


def test_plain_series_need_no_targets() -> None:
    assert [len(one.values) for one in load_plain_series(_X, kind="regression").series] == [10] * 40
    assert [one.name for one in load_plain_series((_X[:2], _Y[:2]), kind="regression").series] == ["train 0", "train 1"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ((_X, ["a"] * 40), r"case 0 has the target 'a'; targets must be finite numbers"),
        ((_X, [1.0, np.nan] * 20), r"case 1 has the target .nan."),
        ((_X, _Y, _X[:2], ["1", "inf"]), r"\(test\): case 1 has the target 'inf'"),
        ((_X, np.full(40, 3.0)), r"all training cases have the target 3; there is nothing to predict"),
        ((_X, None), r"needs cases X and their labels y"),
        ((_X, _Y[:5]), r"one label per case: 40 cases"),
    ],
)
def test_what_cannot_be_regressed(source: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        _load(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("target", ["?", "", "nan", "1;2"])
def test_a_file_with_a_target_that_is_none_is_refused(tmp_path: Path, target: str) -> None:
    with pytest.raises(DataError, match=r"Toy_TRAIN.ts: case 1 has the target"):
        _load(_pair(tmp_path, train=f"1,2,3:1\n1,2,4:{target}\n"))


def test_a_missing_target_in_a_table_is_placed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("label,t0,t1\n1.5,1,2\n,3,4\n")
    with pytest.raises(DataError, match=r"column 'label', line 3: the label is missing"):
        _load(tmp_path / "a.csv")
