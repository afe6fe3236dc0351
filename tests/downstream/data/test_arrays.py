"""Arrays: the layout decides the axes; NumPy files never unpickle."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from downstream import load_task
from downstream.anomaly.reading import labelled_series
from downstream.data.arrays import array_cases, array_series, check_cases
from downstream.data.files.npz import read_numpy_arrays
from downstream.data.options import LoadOptions
from downstream.data.raw import Arrays
from downstream.errors import DataError

_CASES = np.arange(24.0).reshape(2, 3, 4)  # 2 cases, 3 channels, 4 steps


def _cases(**content: Any) -> Any:
    return array_cases(Arrays("arrays", content), layout="nct")


def _series(values: Any, *, anomaly: bool = False, layout: Any = "nct", **content: Any) -> Any:
    source = Arrays("arrays", {"values": values, **content})
    read = labelled_series if anomaly else array_series
    return read(source, options=LoadOptions(name="n", layout=layout))


def test_layouts_agree() -> None:
    one = array_cases(Arrays("a", {"X": _CASES, "y": ["u", "v"]}), layout="nct").train
    two = array_cases(Arrays("a", {"X": _CASES.transpose(0, 2, 1), "y": ["u", "v"]}), layout="ntc").train
    lists = array_cases(Arrays("a", {"X": list(_CASES), "y": ["u", "v"]}), layout="nct").train
    for other in (two, lists):
        np.testing.assert_array_equal(np.stack(one.cases), np.stack(other.cases))
    np.testing.assert_array_equal(one.cases[1], _CASES[1].T)


def test_two_axes_are_univariate_cases_and_lists_may_be_unequal() -> None:
    assert _cases(X=np.ones((5, 7)), y=[0] * 5).train.cases[0].shape == (7, 1)
    unequal = _cases(X=[np.ones((3, 4)), np.ones((3, 9))], y=[0, 1]).train
    assert [case.shape for case in unequal.cases] == [(4, 3), (9, 3)]


@pytest.mark.parametrize("y", [[1.0, 2.0], [True, False], ["001", "NA"]])
def test_labels_stay_as_they_came(y: list[Any]) -> None:
    labels = _cases(X=_CASES, y=np.array(y)).train.labels
    assert labels.tolist() == y and labels.dtype == np.array(y).dtype


def test_test_cases_are_kept_apart() -> None:
    pair = _cases(X=_CASES, y=[0, 1], X_test=_CASES[:1], y_test=[1])
    assert len(pair.test.cases) == 1 and pair.test.labels.tolist() == [1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"X": _CASES}, "needs cases X and their labels y"),
        ({"y": [1]}, "needs cases X and their labels y"),
        ({"X": _CASES, "y": [0, 1], "X_test": _CASES}, "X_test and y_test come together"),
        ({"X": np.ones(4), "y": [0] * 4}, "must have 2 or 3 axes"),
        ({"X": _CASES, "y": [0, 1, 2]}, "one label per case: 2 cases"),
        ({"X": [np.ones((3, 4)), np.ones((2, 4))], "y": [0, 1]}, "same number of variates"),
        ({"X": [np.ones((1, 3, 4))], "y": [0]}, "must have 1 or 2 axes"),
        ({"X": [["a", "b"]], "y": [0]}, "numeric array"),
        ({"X": np.full((2, 1, 3), np.inf), "y": [0, 1]}, r"index \(0, 0, 0\) is infinite"),
    ],
)
def test_wrong_cases(content: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _cases(**content)


@pytest.mark.parametrize(
    ("values", "layout", "shapes"),
    [
        (np.ones(9), "nct", [(9, 1)]),
        (np.ones((2, 9)), "nct", [(9, 2)]),
        (np.ones((9, 2)), "ntc", [(9, 2)]),
        (np.ones((3, 2, 9)), "nct", [(9, 2)] * 3),
        ([np.ones((2, 9)), np.ones((2, 5))], "nct", [(9, 2), (5, 2)]),
        ([1.0, 2.0, 3.0], "nct", [(3, 1)]),
    ],
)
def test_series_axes(values: Any, layout: str, shapes: list[tuple[int, int]]) -> None:
    assert [one.values.shape for one in _series(values, layout=layout).series] == shapes


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, "no values"),
        (np.ones((1, 1, 1, 1)), "must have 1 or 2 axes"),
        ([np.ones((2, 9)), np.ones((3, 9))], "same number of variates"),
        (np.ones((2, 0)), "needs rows"),
        ([], "needs rows"),
        (np.array(["a"]), "numeric array"),
        ([[1.0], [1.0, np.inf]], "index .1,. is infinite"),
    ],
)
def test_wrong_series(values: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _series(values)


def test_anomaly_arrays() -> None:
    series = _series(np.ones((1, 4)), anomaly=True, labels=[0, 0, 1, 0]).series[0]
    assert series.labels.tolist() == [0, 0, 1, 0] and series.n_train is None
    series = _series(np.ones((1, 4)), anomaly=True, X_test=np.zeros((1, 2)), y_test=[0, 1]).series[0]
    assert series.n_train == 4 and series.labels.tolist() == [0, 0, 0, 0, 0, 1] and len(series.values) == 6
    assert _series(np.ones((1, 4)), anomaly=True, X_test=np.zeros((1, 2))).series[0].labels is None


@pytest.mark.parametrize(
    ("values", "content", "message"),
    [
        (np.ones((2, 1, 4)), {"labels": [0] * 4}, "belong to one series, got 2"),
        (np.ones((2, 4)), {"X_test": np.ones((1, 4))}, "variates of X"),
        (np.ones((1, 4)), {"labels": [0, 2, 0, 0]}, "4 values 0 or 1"),
        (np.ones((1, 4)), {"labels": [0, 1]}, "4 values 0 or 1"),
    ],
)
def test_wrong_anomaly_arrays(values: np.ndarray, content: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _series(values, anomaly=True, **content)


def test_infinite_values_in_text_cases_are_placed() -> None:
    with pytest.raises(DataError, match=r"set: case 1, step 2, channel 0 is infinite"):
        check_cases([np.ones((3, 1)), np.array([[1.0], [1.0], [np.inf]])], source="set")


def test_npz_and_npy_round_trip(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=_CASES, y=np.array(["u", "v"]), other=1)
    assert set(read_numpy_arrays(tmp_path / "a.npz").content) == {"X", "y"}
    np.save(tmp_path / "b.npy", _CASES)
    packed = tmp_path / "c.npy.gz"
    packed.write_bytes(gzip.compress((tmp_path / "b.npy").read_bytes()))
    np.testing.assert_array_equal(read_numpy_arrays(packed).content["values"], _CASES)


def test_objects_are_refused(tmp_path: Path) -> None:
    objects = np.empty(2, dtype=object)
    objects[:] = [[1], [1, 2]]
    np.savez(tmp_path / "a.npz", X=objects, y=[0, 1])
    np.save(tmp_path / "a.npy", objects)
    for name in ("a.npz", "a.npy"):
        with pytest.raises(DataError, match=r"pickled Python objects, which are refused"):
            read_numpy_arrays(tmp_path / name)


def test_wrong_numpy_files(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("not an archive")
    with pytest.raises(DataError, match=r"not a NumPy .npz or .npy file"):
        read_numpy_arrays(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", data=1)
    with pytest.raises(DataError, match=r"known arrays are X, y, .* it holds data"):
        read_numpy_arrays(tmp_path / "b.npz")
    buffer = io.BytesIO()
    np.savez(buffer, X=np.zeros(1000))
    header = b"\x93NUMPY\x01\x00\x0a\x00{'descr':\n"
    for damaged in (buffer.getvalue()[:-40], b"\x93NUMPY\x01\x00\xff", header):
        (tmp_path / "c.npz").write_bytes(damaged)
        with pytest.raises(DataError, match=r"corrupt"):
            read_numpy_arrays(tmp_path / "c.npz")


def test_unknown_channel() -> None:
    with pytest.raises(DataError, match=r"unknown column 'variate_9'"):
        load_task(np.random.default_rng(0).normal(size=300), kind="forecasting", variates=["variate_9"])
