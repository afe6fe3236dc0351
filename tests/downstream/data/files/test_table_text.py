"""Text tables as people write them: remarks, units, separators, no header; and what is asked for instead of guessed."""

from __future__ import annotations

import io
import string
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downstream.data import load_task
from downstream.data.loading import load_plain_series
from downstream.data.raw import SeriesSet
from downstream.errors import DataError, DataWarning


def _write(folder: Path, text: str, name: str = "set.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _read(folder: Path, text: str, *, kind: str = "forecasting", **options: object) -> SeriesSet:
    return load_plain_series(_write(folder, text), kind=kind, **options)


def _table(data: SeriesSet) -> dict[str, list[float]]:
    return dict(zip(data.variates, data.series[0].values.T.tolist(), strict=True))


PLAIN = {"a": [1.5, 3.0, 5.0], "b": [2.0, 4.0, 6.25]}


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1.5,2\n3,4\n5,6.25\n",
        "# made by hand\n  # on a Monday, at 5, or so\na,b\n1.5,2\n# a gap\n3,4\n#4\n5,6.25\n",
        "a,b,\n1.5,2,\n3,4,\n5,6.25,\n",
        "a,b\n1.5,2,\n3,4,\n5,6.25,\n",
        "a,b,\n1.5,2\n3,4\n5,6.25\n",
        "a,b,,\r\n1.5,2,,\r\n3,4,,\r\n5,6.25,,\r\n",
        "a,,b\n1.5,,2\n3,,4\n5,,6.25\n",
        ",a,b\n0,1.5,2\n1,3,4\n2,5,6.25\n",
        "date,a,b\n2024-01-01,1.5,2\n2024-01-02,3,4\n2024-01-03,5,6.25\n",
        '"a","b"\n"1.5","2"\n"3","4"\n"5","6.25"\n',
        "a, b\n1.5, 2\n3, 4\n5, 6.25\n",
    ],
)
def test_what_is_no_data_changes_nothing(text: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _table(_read(tmp_path, text)) == PLAIN


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a;b\n1,5;2\n3;4\n5;6,25\n", {"separator": ";", "decimal": ","}),
        ("a\tb\n1.5\t2\n3\t4\n5\t6.25\n", {"separator": "\t"}),
        ("a|b\n1.5|2\n3|4\n5|6.25\n", {"separator": "|"}),
        ('a,b\n"1,5",2\n3,4\n5,"6,25"\n', {"decimal": ","}),
        ("1.5,2\n3,4\n5,6.25\n", {"no_header": True}),
        ("# x\n1.5,2,\n3,4,\n5,6.25,\n", {"no_header": True}),
        (
            "d;a;b\n01.02.2024;1,5;2\n03.02.2024;3;4\n09.02.2024;5;6,25\n",
            {"separator": ";", "decimal": ",", "date_format": "%d.%m.%Y"},
        ),
    ],
)
def test_what_is_told_is_followed(text: str, options: dict[str, object], tmp_path: Path) -> None:
    data = _read(tmp_path, text, **options)
    names = ("column_0", "column_1") if "no_header" in options else ("a", "b")
    assert data.variates == names and list(_table(data).values()) == list(PLAIN.values())
    if "date_format" in options:
        assert data.series[0].times[1] == pd.Timestamp("2024-02-03")


def test_a_table_in_tabs_may_be_called_tsv(tmp_path: Path) -> None:
    path = _write(tmp_path, "a\tb\n1.5\t2\n3\t4\n5\t6.25\n", "set.tsv")
    assert _table(load_plain_series(path, kind="forecasting", separator="\t")) == PLAIN
    assert _table(load_plain_series(path, kind="forecasting")) == PLAIN
    with pytest.raises(DataError, match=r"the file holds labelled cases"):
        load_plain_series(_write(tmp_path, "1\t2\n3\t4\n", "set.tsv"), kind="forecasting")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a;b\n1,5;2\n3;4\n", {}, r"separated by semicolons; pass separator=';' and decimal=','"),
        ("a;b\n1.5;2\n3;4\n", {}, r"separated by semicolons; pass separator=';'$"),
        ("d;a\n1;2,5\n3;4,5\n", {}, r"pass separator=';' and decimal=','"),
        ("a\tb\n1\t2\n", {}, r"separated by tabs; pass separator='\\t'"),
        ("a,b\n1,2\n", {"separator": ";"}, r"separated by commas; pass separator=','"),
        ("a  b\n1 2\n3   4\n", {}, "separated by spaces; save the file with commas"),
        ("a;b\n1,5;2\n", {"separator": ";"}, "'1,5' is not a number; if its comma is a decimal mark, pass decimal=','"),
        ("a,b\n1,2,9\n3,4,9\n", {}, "line 2 has 3 cells, the header has 2"),
        ("a,b,\n1,2,3\n,,\n", {}, "unknown"),
        ("a,b,,\n1,2,3,4\n", {}, "column name '' occurs more than once"),
    ],
)
def test_what_would_be_a_guess_is_asked_for(
    text: str, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    if message == "unknown":  # a column that has values but no name
        assert _read(tmp_path, text, **options).variates == ("a", "b", "")
        return
    with pytest.raises(DataError, match=message):
        _read(tmp_path, text, **options)


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01,50.01,1.56\n2024-01-02,49.9,1.5\n",
        "01/02/2024 10:00,50,1\n01/02/2024 11:00,49,1\n",
        "0.5,0.7,up\n0.6,0.3,down\n",
        "up,1,5,9\ndown,2,7,1\n",
        "up,1,2,3\ndown,2,3,4\n",
        "up,1,2\ndown,7,3\n",
        "1.0,2.0\n3,4\n",
        "1,2,3\n4,9,1\n",
        "# a,b\n1,2.5\n3,4\n",
        "9:30,1\n9:40,2\n",
    ],
)
def test_data_in_the_first_line_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the first line must name the columns, .*; pass no_header=True if it is data"):
        _read(tmp_path, text)


@pytest.mark.parametrize(
    "header",
    [
        *("0,1,2,label", "label,0,1,2", "0,1,2,word", "1990,1991,1995,country", "0.0,0.1,0.2,0.3,word", ",0,1,2,label"),
        *("50,100,400,label", "2024-01-01,2024-01-02,2024-01-03,label", "t0,t1,t2,label", "split,1,5,7"),
    ],
)
def test_names_that_are_numbers_stay_names(header: str, tmp_path: Path) -> None:
    names = header.split(",")
    words = {"label", "word", "country", "split"}
    rows = [
        [
            str(row) if not name else "uv"[row] if name in words else f"{(row * 7 + at) % 5}.5"
            for at, name in enumerate(names)
        ]
        for row in range(2)
    ]
    text = "\n".join([header, *map(",".join, rows)])
    label = next(name for name in names if name in words)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = _read(tmp_path, text, kind="classification", label_column=label)
    assert data.steps == tuple(name for name in names if name and name != label) and len(data.series) == 2


def test_years_name_variates(tmp_path: Path) -> None:
    assert _read(tmp_path, "date,2019,2021\n2024-01-01,1,2\n2024-01-02,3,4\n").variates == ("2019", "2021")
    assert _read(tmp_path, "0,1,2,3,4\n5,1,7,2,4\n").variates == ("0", "1", "2", "3", "4")
    assert _read(tmp_path, "unique_id,ds,2019\nA,1,2\nA,2,4\n").variates == ("2019",)


def test_without_a_header_all_rows_are_kept(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": pd.date_range("2024", periods=50, freq="h"), "v": np.arange(50.0)})
    frame.to_csv(tmp_path / "set.csv", header=False, index=False)
    for wanted in (None, "column_0"):
        data = load_plain_series(tmp_path / "set.csv", kind="forecasting", no_header=True, time_column=wanted)
        assert data.variates == ("column_1",) and (data.series[0].times == frame.t).all()


@pytest.mark.parametrize(
    ("units", "lines"),
    [
        (",degC,m/s\n", ["line 2 .*degC, m/s"]),
        ("UTC,degC,m/s\nTS,Avg,\n", ["line 2", "line 3 .*TS, Avg"]),
        ("2020-01-01,degC,m/s\n", []),
    ],
)
def test_rows_of_units_are_left_out_and_told(units: str, lines: list[str], tmp_path: Path) -> None:
    text = f"date,temp,wind\n{units}2024-01-01,1,2\n2024-01-02,3,\n"
    if not lines:  # it has a time: a row with wrong values
        with pytest.raises(DataError, match="'temp', line 2: 'degC' is not a number"):
            _read(tmp_path, text)
        return
    with pytest.warns(DataWarning) as told:
        data = _read(tmp_path, text)
    assert len(told) == len(lines)
    for line in lines:
        assert any(pd.Series([str(one.message)]).str.contains(line + ".*left out")[0] for one in told)
    np.testing.assert_array_equal(data.series[0].values, [[1, 2], [3, np.nan]])


@pytest.mark.parametrize("text", ["a,b\n1,2\n#3,4\n5,6\n", "# a,b\na,b\n1,2\n5,6\n", "#,a\na,b\n1,2\n5,6\n"])
def test_a_remark_that_could_be_a_row_is_told(text: str, tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match=r"left out as a remark though it has the cells of a row: #"):
        assert _table(_read(tmp_path, text)) == {"a": [1, 5], "b": [2, 6]}


def test_a_remark_within_quotes_is_a_cell(tmp_path: Path) -> None:
    text = 'label,t0,t1\n"a\n#1",1,2\n"#b",3,4\n# gone\n"#b",5,6\n'
    task = load_task(_write(tmp_path, text), kind="classification", pool_test=True)
    assert task.classes == ("#b", "a\n#1") and len(task.labels) == 3


def test_cells_keep_the_separators_that_stand_in_quotes(tmp_path: Path) -> None:
    text = 'label,t0,t1\n"a, ""b""; c",1,2\nd,3,4\nd,5,6\n'
    assert load_task(_write(tmp_path, text), kind="classification", pool_test=True).classes == ('a, "b"; c', "d")


def test_wrong_words_for_the_form(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"separator must be ',', ';', '\|' or a tab, got 'x'; decimal must be"):
        load_task(_write(tmp_path, "a\n1\n"), kind="forecasting", separator="x", decimal="'")


def test_parquet_keeps_the_index_that_pandas_stored(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    frame = pd.DataFrame({"a": [1.0, 2, 3]}, index=pd.date_range("2024-10-27", periods=3, freq="h", tz="Europe/Berlin"))
    for one in (frame, frame[::-1]):
        one.to_parquet(tmp_path / "set.parquet")
        if one is frame:
            times = load_plain_series(tmp_path / "set.parquet", kind="forecasting").series[0].times
            assert (times == frame.index.tz_convert("UTC").tz_localize(None)).all()
        else:
            with pytest.raises(DataError, match=r"set.parquet: the index, row 1: .* is earlier"):
                load_plain_series(tmp_path / "set.parquet", kind="forecasting")


names = st.lists(st.text(string.ascii_letters, min_size=2, max_size=6), min_size=1, max_size=5, unique_by=str.lower)
cells = st.floats(-1e6, 1e6, allow_subnormal=False) | st.just(float("nan"))


@st.composite
def drawn_tables(draw: st.DrawFn) -> tuple[pd.DataFrame, dict[str, object], list[str]]:
    """Draw a frame, how it is written, and another order of its columns."""
    columns = [f"v_{name}" for name in draw(names)]
    n_rows = draw(st.integers(3, 8))
    dtypes = {name: draw(st.sampled_from(("float64", "float32", "Int64"))) for name in columns}
    values = {
        name: [round(cell, 3) for cell in draw(st.lists(cells, min_size=n_rows, max_size=n_rows))] for name in columns
    }
    frame = pd.DataFrame(
        {
            name: pd.array([None if cell != cell else round(cell) for cell in values[name]], dtype="Int64")
            if dtypes[name] == "Int64"
            else np.asarray(values[name], dtype=dtypes[name])
            for name in columns
        }
    )
    frame["date"] = pd.date_range("2024-01-29", periods=n_rows, freq="D").strftime(
        draw(st.sampled_from(("%Y-%m-%d", "%d.%m.%Y")))
    )
    form = {"separator": draw(st.sampled_from(",;\t|")), "decimal": draw(st.sampled_from(".,"))}
    return frame, form, draw(st.permutations(list(frame.columns)))


@given(drawn_tables())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_columns_and_the_form_of_the_text_change_nothing(
    tmp_path: Path, drawn: tuple[pd.DataFrame, dict[str, str], list[str]]
) -> None:
    frame, form, order = drawn
    buffer = io.StringIO()
    frame[order].to_csv(buffer, index=False, sep=form["separator"], decimal=form["decimal"])
    path = _write(tmp_path, buffer.getvalue())
    read = load_plain_series(path, kind="forecasting", **form)
    known = load_plain_series(frame, kind="forecasting")
    assert sorted(read.variates) == sorted(known.variates) and (read.series[0].times == known.series[0].times).all()
    for name in known.variates:
        one, other = (data.series[0].values[:, data.variates.index(name)] for data in (read, known))
        np.testing.assert_allclose(one, other, rtol=1e-6 if frame[name].dtype == np.float32 else 0)
