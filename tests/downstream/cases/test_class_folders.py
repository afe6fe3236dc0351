"""A file per case in folders called like classes: names, labels, columns in any order, and what does not fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.data.loading import load_plain_series
from downstream.data.sources import open_source
from downstream.errors import DataError, DataWarning
from downstream.regression.task import RegressionTask

_RNG = np.random.default_rng(0)
CASES = {
    f"{label}/{label[0]}{number}": pd.DataFrame(_RNG.normal(size=(4 + number % 3, 2)).round(3), columns=["x", "y"])
    for number in range(6)
    for label in ("walk", "run")
}


def write(folder: Path, cases: dict[str, pd.DataFrame] = CASES, **options: object) -> Path:
    for name, frame in cases.items():
        path = folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(path, **{"index": False, **options})
    return folder


def test_the_folder_is_the_class_and_the_file_the_case(tmp_path: Path) -> None:
    task = load_task(write(tmp_path), kind=None)
    assert isinstance(task, ClassificationTask) and task.classes == ("run", "walk") and task.variates == ("x", "y")
    assert task.spec.window == 6 and task.identity.columns == ("x", "y") and task.identity.series == ()
    data = load_plain_series(tmp_path, kind="classification")
    assert [one.name for one in data.series] == [f"{part}{number}.csv" for part in "rw" for number in range(6)]
    for one in data.series:
        folder = "walk" if one.name[0] == "w" else "run"
        np.testing.assert_array_equal(one.values, CASES[f"{folder}/{one.name.removesuffix('.csv')}"])


def test_files_of_one_name_are_called_by_their_folder(tmp_path: Path) -> None:
    write(tmp_path, {f"{label}/{number}": CASES["run/r0"] for label in "ab" for number in (1, 2)})
    names = [one.name for one in load_plain_series(tmp_path, kind="classification").series]
    assert names == ["a/1.csv", "a/2.csv", "b/1.csv", "b/2.csv"]


def test_parts_above_the_classes(tmp_path: Path) -> None:
    write(tmp_path / "Train"), write(tmp_path / "test", {name: CASES[name] for name in list(CASES)[:4]})
    task = load_task(tmp_path, kind="classification")
    test = task.open_test()
    assert task.windows.n == 12 and test.windows.n == 4 and np.bincount(test.labels).tolist() == [2, 2]
    names = [one.name for one in load_plain_series(tmp_path, kind="classification").series]
    assert names[0] == "train r0.csv" and names[-1] == "test w1.csv" and len(names) == 16
    assert len(load_plain_series(tmp_path / "test", kind="classification").series) == 4


def _columns(frame: pd.DataFrame, number: int) -> pd.DataFrame:
    return frame[["y", "x"]] if number % 2 else frame


def _stepped(frame: pd.DataFrame, number: int) -> pd.DataFrame:
    frame = frame.assign(step=np.arange(len(frame)))
    return frame.sample(frac=1, random_state=number)


@pytest.mark.parametrize("change", [_columns, _stepped, lambda frame, number: frame.assign(label="anything")])
def test_order_in_files_and_what_is_known_otherwise_change_nothing(
    change: Callable[[pd.DataFrame, int], pd.DataFrame], tmp_path: Path
) -> None:
    known = load_task(write(tmp_path / "a"), kind="classification")
    changed = {name: change(frame, number) for number, (name, frame) in enumerate(reversed(CASES.items()))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        assert load_task(write(tmp_path / "b", changed), kind="classification").hash == known.hash
    text = load_task(write(tmp_path / "c", sep=";"), kind="classification", separator=";")
    assert text.hash == known.hash


def test_other_types_of_tables(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    known = load_task(write(tmp_path / "csv"), kind="classification")
    for suffix in ("parquet", "tsv", "csv.gz"):
        for name, frame in CASES.items():
            path = tmp_path / suffix / f"{name}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if suffix == "parquet":
                frame.to_parquet(path)
            else:
                frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
        (tmp_path / suffix / "run" / ".hidden.csv").write_text("x")
        assert load_task(tmp_path / suffix, kind="classification").hash == known.hash


def test_folders_called_like_numbers_are_targets(tmp_path: Path) -> None:
    write(tmp_path, {f"{number / 2}/c{number}": frame for number, frame in enumerate(CASES.values())})
    task = load_task(tmp_path, kind="regression", pool_test=True)
    assert isinstance(task, RegressionTask) and task.labels.tolist() == [number / 2 for number in range(12)]


def test_without_labels_a_folder_of_files_or_a_file_is_asked_about(tmp_path: Path) -> None:
    write(tmp_path)
    flat = load_plain_series(tmp_path / "run", kind="classification", known=("x", "y"))
    one = load_plain_series(tmp_path / "run" / "r3.csv", kind="classification", known=("x", "y"))
    also = load_plain_series(tmp_path / "run" / "r3.csv", kind="classification", table="steps")
    assert [each.name for each in flat.series] == [f"r{number}.csv" for number in range(6)]
    for found in (one, also):
        assert [each.name for each in found.series] == ["r3.csv"] and found.has_ids and found.variates == ("x", "y")
        np.testing.assert_array_equal(found.series[0].values, flat.series[3].values)


def test_what_lies_beside_the_folders_is_told(tmp_path: Path) -> None:
    write(tmp_path), (tmp_path / "list.csv").write_text("a,b\n1,2\n")
    with pytest.warns(DataWarning, match=r"list.csv: left out, as the cases of .* lie in folders called like"):
        assert load_task(tmp_path, kind="classification").windows.n == 8
    (tmp_path / "run" / "r0_TRAIN.ts").write_text("x")
    assert open_source(tmp_path, kind="forecasting")[0].labels == ()  # type: ignore[union-attr]


def _broken(folder: Path, name: str, text: str) -> Path:
    path = write(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("name", "text", "options", "message"),
    [
        ("walk/new.csv", "x,z\n1,2\n", {}, r"walk/new.csv has the columns x, z, but run/r0.csv has x, y"),
        ("walk/new.csv", "x,y\n1,2\n1,high\n", {}, r"walk/new.csv: column 'y', line 3: 'high' is not a number"),
        ("walk/new.csv", "x,y\n1,2,3\n", {}, r"walk/new.csv: line 2 has 3 cells"),
        ("walk/new.csv", "", {}, r"walk/new.csv: the file is empty"),
        ("walk/new.csv", "1.5,2\n2,3\n", {}, r"walk/new.csv: the first line must name the columns"),
        ("walk/new.csv", "step,x,y\n1,2,3\n1,2,3\n", {}, r"walk/new.csv: column 'step', line 3: 1 repeats"),
        ("test/run/a.csv", "x,y\n1,2\n", {}, r"there is a folder 'test' of classes, but none 'train'"),
        ("walk/new.csv", "x,y\n1,2\n", {"kind": "forecasting"}, r"holds labelled cases; load it with kind='class"),
        ("walk/new.csv", "x,y\n1,2\n", {"table": "cases"}, r"table='cases' is about one table"),
        ("walk/new.csv", "x,y\n1,2\n", {"kind": "regression"}, r"case 0 has the target '(run|walk)'; targets must"),
    ],
)
def test_what_does_not_fit_is_said(name: str, text: str, options: dict[str, str], message: str, tmp_path: Path) -> None:
    folder = _broken(tmp_path, name, text)
    with pytest.raises(DataError, match=message):
        load_task(folder, **{"kind": "classification", **options})


def test_folders_of_classes_are_no_series(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing says the labels; put the files in folders called like their classes"):
        load_task(write(tmp_path) / "run", kind="classification")
