"""CSV files: what is read, and the sentence for everything that is wrong with one."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from downstream import load_task
from downstream.cases.reading import read_cases
from downstream.data.files.csv import read_csv_table
from downstream.data.options import LoadOptions
from downstream.data.panels import as_panel
from downstream.data.raw import Table, Tables
from downstream.data.tables import anomaly_series, forecasting_series
from downstream.errors import DataError, DataWarning


def _write(folder: Path, text: str, name: str = "set.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _read(folder: Path, text: str, **options: object) -> np.ndarray:
    table = as_panel(read_csv_table(_write(folder, text)))
    series = forecasting_series(Tables("set", (table,)), options=LoadOptions(name="set", **options))
    return series.series[0].values


def test_values_are_bit_exact_and_empty_cells_are_missing(tmp_path: Path) -> None:
    values = _read(tmp_path, "date,a,b\n2020-01-01,0.1,\n2020-01-02,1e-7,30.5310001373291\n")
    np.testing.assert_array_equal(values, [[0.1, np.nan], [1e-7, 30.5310001373291]])


def test_quotes_blank_lines_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes(b'\xef\xbb\xbf"step","a, b"\r\n\r\n0,1\r\n1,2\r\n')
    table = read_csv_table(path)
    assert list(table.frame.columns) == ["step", "a, b"]
    assert table.where(1) == "line 4"


def test_without_time_all_columns_are_values(tmp_path: Path) -> None:
    np.testing.assert_array_equal(_read(tmp_path, "a,b\n3,1\n2,2\n"), [[3, 1], [2, 2]])


def test_text_dates_are_found_without_a_known_name(tmp_path: Path) -> None:
    np.testing.assert_array_equal(_read(tmp_path, "when,a\n2020-01-01,1\n2020-01-02,2\n"), [[1], [2]])


def test_chosen_variates_leave_text_alone(tmp_path: Path) -> None:
    text = "step,a,note\n0,1,x\n1,2,y\n"
    np.testing.assert_array_equal(_read(tmp_path, text, variates=("a",)), [[1], [2]])


def test_long_tables_become_one_series_each(tmp_path: Path) -> None:
    table = as_panel(read_csv_table(_write(tmp_path, "unique_id,ds,y\nA,1,5\nB,1,7\nA,2,6\nB,2,8\n")))
    series = forecasting_series(Tables("set", (table,)), options=LoadOptions(name="set")).series
    assert [one.name for one in series] == ["A", "B"]
    np.testing.assert_array_equal(series[1].values, [[7], [8]])


def test_further_columns_of_long_tables_are_variates(tmp_path: Path) -> None:
    table = read_csv_table(_write(tmp_path, "unique_id,ds,y,price\nA,1,5,9\nA,2,6,8\n"))
    for variates, right in ((None, [[5, 9], [6, 8]]), (("y",), [[5], [6]])):
        found = forecasting_series(
            Tables("set", (as_panel(table),)), options=LoadOptions(name="set", variates=variates)
        )
        np.testing.assert_array_equal(found.series[0].values, right)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;b\n1;2\n", "separated by semicolons"),
        ("a\tb\n1\t2\n", "separated by tabs"),
        ("a|b\n1|2\n", "separated by bars"),
        ("1.0,2.0\n3,4\n", "must name the columns, it holds numbers: 1.0,2.0"),
        ("a,b,a\n1,2,3\n", "column name 'a' occurs more than once"),
        ("a,b\n", "a header but no row"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 cells, the header has 2"),
        ("a,b\n1,2\n\n1\n", "line 4 has 1 cells, the header has 2"),
        ('a,b\n"1",2\n1,2,3\n', "line 3 has 3 cells"),
        ("a,b\n1,2\nhigh,2\n", "column 'a', line 3: 'high' is not a number"),
        ('a,b\n1,"1,5"\n', "column 'b', line 2: '1,5' is not a number"),
        ("a,b\n1,2\n1,inf\n", "column 'b', line 3: inf is infinite"),
        ("a,b\n1,1e31\n", "beyond 1e.30"),
        ("date,a\n2020-01-01,1\n2020-01-03,2\n2020-01-02,3\n", "line 4: .* is earlier than the row before it"),
        ("date,a\n2020-01-01,1\n2020-01-01,2\n", "line 3: .* repeats the time before it"),
        ("step,a\n0,1\n2,2\n1,3\n", "column 'step', line 4: 1 is earlier"),
        ("date,a\n2020-01-01,1\nsoon,2\n", "column 'date', line 3: 'soon' is not a time or step"),
        ("date,a\n2020-01-01,1\n,2\n", "column 'date', line 3: nan is not a time"),
        ("date\n2020-01-01\n", "no value column"),
        ("unique_id,ds,y\nA,1,5\n,2,6\n", "column 'unique_id', line 3: the value is missing"),
        ("unique_id,ds,y\nA,1,5\nB,1,5\nA,1,6\n", "series 'A': column 'ds', line 4: 1 repeats"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _read(tmp_path, text)


def test_a_broken_quote_is_no_traceback(tmp_path: Path) -> None:
    big = "x" * 200_000  # longer than the csv module's largest cell
    with pytest.raises(DataError, match=r"not readable as CSV"):
        _read(tmp_path, f'a,b\n"{big}",2\n')


def test_an_integer_too_large_for_a_float_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set.csv: not readable as CSV"):
        _read(tmp_path, f"a,b\n{'9' * 400},2\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variates": ("HUFF",)}, "unknown column 'HUFF'; did you mean 'HUFL'"),
        ({"target": ("OTT",)}, "unknown column 'OTT'; did you mean 'OT'"),
        ({"time_column": "when"}, "no column 'when'"),
    ],
)
def test_wanted_columns_must_exist(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _read(tmp_path, "date,HUFL,OT\n2020-01-01,1,2\n", **options)


def test_second_time_column_is_refused() -> None:
    frame = pd.DataFrame({"date": pd.date_range("2020", periods=3), "other": pd.date_range("2020", periods=3)})
    with pytest.raises(DataError, match=r"column 'other' holds times"):
        forecasting_series(Tables("f", (Table("f", frame),)), options=LoadOptions(name="f"))


@pytest.mark.parametrize("columns", [["a"], ["unique_id", "ds", "y"]])
def test_frames_without_rows_are_refused(columns: list[str]) -> None:
    frame = pd.DataFrame({name: pd.Series(dtype=float) for name in columns})
    with pytest.raises(DataError, match=r"no rows"):
        forecasting_series(Tables("f", (Table("f", frame),)), options=LoadOptions(name="f"))


def test_tables_of_one_folder_must_agree(tmp_path: Path) -> None:
    _write(tmp_path, "a,b\n1,2\n", "one.csv")
    _write(tmp_path, "a,c\n1,2\n", "two.csv")
    with pytest.raises(DataError, match=r"two.csv has the columns a, c, but one.csv has a, b"):
        load_task(tmp_path, kind="forecasting")


def _anomaly(folder: Path, text: str, **options: object) -> object:
    table = as_panel(read_csv_table(_write(folder, text)))
    return anomaly_series(Tables("set", (table,)), options=LoadOptions(name="set", **options)).series[0]


def test_anomaly_tables_have_labels_and_a_split(tmp_path: Path) -> None:
    series = _anomaly(tmp_path, "step,a,label,split\n0,1,0,train\n1,2,0,Train\n2,9,1,test\n")
    assert series.n_train == 2 and series.labels.tolist() == [0, 0, 1] and series.values.shape == (3, 1)


def test_repeated_times_only_warn_in_anomaly_tables(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match=r"repeats the time before it \(1 such rows"):
        series = _anomaly(tmp_path, "timestamp,a\n2020-01-01,1\n2020-01-01,2\n")
    np.testing.assert_array_equal(series.values, [[1], [2]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,label\n1,0\n2,2\n", "column 'label', line 3: labels are 0 .normal. or 1"),
        ("a,label\n1,0\n2,\n", "column 'label', line 3"),
        ("a,split\n1,train\n2,validation\n", "column 'split', line 3: must be train or test, got 'validation'"),
        ("a,split\n1,train\n2,test\n3,train\n", "line 3 is a test row with train rows after it"),
    ],
)
def test_wrong_labels_and_splits(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _anomaly(tmp_path, text)


def test_wanted_label_column_must_exist(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unknown column 'anomali'; did you mean 'anomaly'"):
        _anomaly(tmp_path, "a,anomaly\n1,0\n", label_column="anomali")


def test_rows_can_be_cases(tmp_path: Path) -> None:
    table = read_csv_table(_write(tmp_path, "label,t0,t1\nup,1,2\ndown,2,1\n"))
    cases = read_cases(Tables("set", (table,)), options=LoadOptions(name="set")).train
    assert cases.labels.tolist() == ["up", "down"]
    np.testing.assert_array_equal(np.stack(cases.cases)[:, :, 0], [[1, 2], [2, 1]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t0,t1\n1,2\n", "no column 'label'; pass label_column"),
        ("label,t0\n,1\n", "line 2: the label is missing"),
        ("label\na\nb\n", "no column with values beside the label column 'label'"),
    ],
)
def test_rows_as_cases_need_a_class(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        table = read_csv_table(_write(tmp_path, text))
        read_cases(Tables("set", (table,)), options=LoadOptions(name="set"))


def test_gzip_reads_the_same(tmp_path: Path) -> None:
    text = "a,b\n1,2\n3,5\n"
    packed = tmp_path / "set.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    pd.testing.assert_frame_equal(read_csv_table(packed).frame, read_csv_table(_write(tmp_path, text)).frame)


@pytest.mark.parametrize("name", ["a{b", "a}", "{}", "{0}", "{x!r}"])
def test_names_with_braces_are_names(tmp_path: Path, name: str) -> None:
    (tmp_path / "braces.csv").write_text(f"step,{name}\n1,2\n2,word\n")
    with pytest.raises(DataError, match=r"line 3: 'word' is not a number"):
        load_task(tmp_path / "braces.csv", kind="forecasting")
