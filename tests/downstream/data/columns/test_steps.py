"""Columns of case tables: time steps, and what names the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from downstream.data.loading import load_plain_series, load_task
from downstream.errors import DataError, DataWarning

VALUES = np.random.default_rng(0).normal(size=(6, 4)).round(3)
CASES = pd.DataFrame(VALUES, columns=[f"t{i}" for i in range(4)])


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        *(("", keys) for keys in (range(6), range(10, 70, 10), [5, 3, 1, 0, 2, 4], list("abcdef"), [0, 1, 2] * 2)),
        *(("Unnamed: 0", range(6)), ("index", range(1, 7)), ("id", [7, 9, 3, 1, 2, 5]), ("case_id", list("abcdef"))),
        *(("Sample", range(6)), ("uid", list("uvwxyz")), ("ID", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
    ],
)
@pytest.mark.parametrize("labelled", [True, False])
def test_what_names_the_rows_is_no_step(name: str, keys: object, labelled: bool, tmp_path: Path) -> None:
    frame = CASES.assign(label=list("uvuvuv")) if labelled else CASES.copy()
    frame.insert(0, name, list(keys))
    frame.to_csv(tmp_path / "set.csv", index=False)
    for source in (frame, tmp_path / "set.csv"):
        with pytest.warns(DataWarning, match=f"column {name!r} names the rows and is no time step"):
            data = load_plain_series(source, kind="classification")
        np.testing.assert_array_equal(np.stack([series.values for series in data.series])[:, :, 0], VALUES)
        assert data.steps == ("t0", "t1", "t2", "t3")


def test_a_table_written_with_its_index(tmp_path: Path) -> None:
    CASES.assign(label=list("uvuvuv")).to_csv(tmp_path / "set.csv")
    pd.DataFrame(VALUES).to_csv(tmp_path / "plain.csv")
    with pytest.warns(DataWarning, match="column '' names the rows"):
        task = load_task(tmp_path / "set.csv", kind="classification")
    assert task.spec.window == 4
    with pytest.warns(DataWarning, match="column '' names the rows"):
        assert load_plain_series(tmp_path / "plain.csv", kind="classification").steps == ("0", "1", "2", "3")


def test_measured_values_are_steps_whatever_they_are_called() -> None:
    frame = CASES.rename(columns={"t0": "sample", "t1": "sample1"})
    assert load_plain_series(frame, kind="classification").steps == ("sample", "sample1", "t2", "t3")


def test_an_id_that_repeats_is_refused() -> None:
    with pytest.raises(DataError, match=r"column 'id', row 1: 7 repeats; a table of cases has one row per case"):
        load_plain_series(CASES.assign(id=7, label="a"), kind="classification")


def test_nothing_but_ids_is_no_case() -> None:
    with pytest.raises(DataError, match=r"no column with values beside the label column 'label'"):
        load_plain_series(pd.DataFrame({"id": [1, 2], "label": ["a", "b"]}), kind="classification")


@pytest.mark.parametrize(
    "words", [["001", "1"], ["NA", "None"], ["1.0", "1"], ["True", "true"], ["null", "n/a"], ["1e3", "-"]]
)
def test_classes_are_as_they_are_written(words: list[str], tmp_path: Path) -> None:
    CASES.assign(label=words * 3).to_csv(tmp_path / "set.csv", index=False)
    task = load_task(tmp_path / "set.csv", kind="classification")
    assert set(task.classes) == set(words)


def test_targets_are_numbers_and_a_missing_label_has_its_line(tmp_path: Path) -> None:
    CASES.assign(label=np.arange(6) / 2).to_csv(tmp_path / "set.csv", index=False)
    assert set(load_task(tmp_path / "set.csv", kind="regression", pool_test=True).labels) == {0, 0.5, 1, 1.5, 2, 2.5}
    CASES.assign(label=["a", "b", None, "a", "b", "a"]).to_csv(tmp_path / "set.csv", index=False)
    with pytest.raises(DataError, match=r"column 'label', line 4: the label is missing"):
        load_task(tmp_path / "set.csv", kind="classification")


def test_a_word_among_steps_has_advice_that_works() -> None:
    with pytest.raises(DataError, match=r"'x' is not a number; correct it or remove the column$"):
        load_plain_series(CASES.assign(t4=list("xxxxxx"), label="a"), kind="classification")


def test_numbered_steps_are_in_the_order_of_their_numbers() -> None:
    values = np.random.default_rng(1).normal(size=(4, 12))
    frame = pd.DataFrame(values, columns=[f"t{place}" for place in range(12)])
    with pytest.warns(DataWarning, match=r"column 't2' stands behind 't11'; time steps are taken in the order of"):
        data = load_plain_series(frame[sorted(frame)], kind="classification")
    assert data.steps == tuple(frame)
    np.testing.assert_array_equal(np.stack([one.values[:, 0] for one in data.series]), values)


@pytest.mark.parametrize("names", [["lag2", "lag1", "lag0"], ["b", "a", "c"], ["a2", "b1", "b0"], ["t1", "t01", "t0"]])
def test_other_steps_stay_in_the_order_of_the_file(names: list[str]) -> None:
    data = load_plain_series(pd.DataFrame(np.ones((2, 3)), columns=names), kind="classification")
    assert data.steps == tuple(names)


@pytest.mark.filterwarnings("ignore::downstream.errors.DataWarning")
@pytest.mark.parametrize(
    ("ids", "options", "names"),
    [
        (["007", "7", "x", "1", "2", "3"], {}, ["007", "7", "x", "1", "2", "3"]),
        ([1.0, 2.0, 5.0, 4.0, 3.0, 6.0], {}, ["1", "2", "5", "4", "3", "6"]),
        (["a", "a", "b", "b", "c", "c"], {"table": "cases"}, [f"case {place}" for place in range(6)]),
        (["NA", "1e3", "0", "00", "-", "1"], {"id_column": "id"}, ["NA", "1e3", "0", "00", "-", "1"]),
    ],
)
def test_ids_name_the_cases(ids: list[object], options: dict[str, str], names: list[str], tmp_path: Path) -> None:
    CASES.assign(id=ids, label=list("uvuvuv")).to_csv(tmp_path / "set.csv", index=False)
    data = load_plain_series(tmp_path / "set.csv", kind="classification", **options)
    assert [one.name for one in data.series] == names and data.steps == ("t0", "t1", "t2", "t3")
    assert data.has_ids == (names[0] != "case 0")


@pytest.mark.filterwarnings("ignore::downstream.errors.DataWarning")
def test_cases_with_ids_are_in_the_order_of_these() -> None:
    frame = CASES.assign(id=[10, 2, 1, 9, 11, 3], label=list("uvuvuv"))
    known = load_task(frame, kind="classification", pool_test=True)
    assert known.labels.tolist() == [0, 1, 1, 1, 0, 0]
    assert load_task(frame.sample(frac=1, random_state=0), kind="classification", pool_test=True).hash == known.hash
    with pytest.raises(DataError, match=r"column 'id', row 2: the id is missing"):
        load_task(
            frame.assign(id=frame["id"].where(frame.index != 2)), kind="classification", id_column="id", table="cases"
        )
