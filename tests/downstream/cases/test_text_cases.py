"""Text without names in its first line: what says that lines are cases, and what is told of it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.data.files.ucr import read_ucr_cases
from downstream.data.loading import load_plain_series
from downstream.errors import DataError, DataWarning

VALUES = np.random.default_rng(0).normal(size=(8, 6)).round(3)
TEXT = "".join(",".join([str(at % 2), *map(str, row)]) + "\n" for at, row in enumerate(VALUES.tolist()))
TOLD = r"first line is data, so each line is read as a case, the class first; pass table='cases' .* table='steps'"


def write(folder: Path, name: str, text: str = TEXT) -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("name", ["a.csv", "a_TRAIN.csv", "a.txt", "a_TRAIN"])
def test_a_reading_that_is_not_said_is_told(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, name)
    with pytest.warns(DataWarning, match=TOLD):
        found = load_task(path, kind="classification")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_task(path, kind="classification", table="cases").hash == found.hash


def test_without_a_kind_only_the_name_of_a_part_says_cases(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match=TOLD):
        assert isinstance(load_task(write(tmp_path, "a_TRAIN.csv"), kind=None), ClassificationTask)
    with pytest.raises(DataError, match=r"must name the columns, it holds numbers: .*; pass no_header=True"):
        load_task(write(tmp_path, "a.csv"), kind=None)
    assert isinstance(load_task(write(tmp_path, "b.csv"), kind=None, table="cases"), ClassificationTask)


@pytest.mark.parametrize("options", [{"table": "steps"}, {"kind": "forecasting"}, {"kind": "anomaly"}])
def test_what_else_is_said_counts(options: dict[str, str], tmp_path: Path) -> None:
    for name in ("a_TRAIN.csv", "a_TEST.csv", "b.txt"):
        with pytest.raises(DataError, match=r"must name the columns"):
            load_task(write(tmp_path, name), **{"kind": "classification", **options})


def test_without_a_header_every_column_is_what_is_said_of_it(tmp_path: Path) -> None:
    path = write(tmp_path, "a_TRAIN.csv")
    bare = load_plain_series(path, kind="classification", no_header=True)
    assert [one.values.shape for one in bare.series] == [(7, 1)] * 8 and bare.steps == ()
    task = load_task(path, kind="classification", no_header=True, label_column="column_0")
    assert task.hash == load_task(path, kind="classification", table="cases").hash


def test_a_part_alone_and_lines_of_unequal_length(tmp_path: Path) -> None:
    write(tmp_path, "a_TRAIN.txt")
    path = write(tmp_path, "a_TEST.txt", "x 1.5 nan ?\n# remark\n\n  y\t2 3e-1\n".replace("\t", " "))
    with pytest.warns(DataWarning, match="a_TEST.txt"):
        data = load_plain_series(path, kind="classification")
    assert [one.name for one in data.series] == ["test 0", "test 1"]
    np.testing.assert_array_equal(data.series[0].values[:, 0], [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(data.series[1].values[:, 0], [2, 0.3])


@pytest.mark.parametrize(
    ("written", "label"),
    [
        *(("1.0000000e+00", "1"), ("-1.0", "-1"), ("2E1", "20"), ("1.5", "1.5"), ("001", "001"), ("1e400", "1e400")),
        *(("walk", "walk"), ("1e-3", "1e-3"), ("9e99", "9e99")),
    ],
)
def test_whole_numbers_are_one_class_however_they_are_written(written: str, label: str, tmp_path: Path) -> None:
    assert read_ucr_cases(write(tmp_path, "a.txt", f"{written} 1 2\n")).labels.tolist() == [label]


def test_targets_of_regression_stand_first_too(tmp_path: Path) -> None:
    text = "".join(f"{at / 4} {' '.join(map(str, row))}\n" for at, row in enumerate(VALUES.tolist()))
    write(tmp_path, "a_TRAIN.txt", text), write(tmp_path, "a_TEST.txt", text)
    task = load_task(tmp_path, kind="regression", table="cases")
    assert task.labels.tolist() == [at / 4 for at in range(8)]
    with pytest.raises(DataError, match=r"every class has one training case only"):
        load_task(tmp_path, kind="classification", table="cases")


@pytest.mark.filterwarnings("ignore::downstream.errors.DataWarning")
@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (TEXT, "label,t0\n1,2\n", r"of a_TRAIN.csv and a_TEST.csv only one names its columns"),
        (TEXT + "1,2,x\n", TEXT, r"a_TRAIN.csv: line 9 holds something that is not a number"),
        ("label,t0,t1\n1,2,3\n0,3,4\n1,4,6\n", "label,t1\n1,2\n", r"a_TEST.csv: its columns are time steps, .* 't0'"),
        ("label,t0,t1\n1,2,3\n0,3,4\n", "t1,t0\n1,2\n", r"a_TEST.csv: a table of cases .* no column 'label'"),
        ("label,t0\n1,2\n0,x\n", TEXT, r"only one names its columns"),
    ],
)
def test_what_does_not_fit_is_said(train: str, test: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, "a_TRAIN.csv", train), write(tmp_path, "a_TEST.csv", test)
    with pytest.raises(DataError, match=message):
        load_task(tmp_path, kind="classification")


def test_tables_of_series_are_no_pair(tmp_path: Path) -> None:
    rows = "date,a\n" + "".join(f"2024-01-{day:02d},{day * 7 % 5}\n" for day in range(1, 29))
    path = write(tmp_path, "a_TRAIN.csv", rows)
    before = load_plain_series(path, kind="forecasting")
    write(tmp_path, "a_TEST.csv", rows)
    assert len(load_plain_series(path, kind="forecasting").series) == len(before.series) == 1
    with pytest.raises(DataError, match=r"a_TEST.csv: a test part is read as cases only"):
        load_task(path, kind=None)
