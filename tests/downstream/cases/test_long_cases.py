"""Long tables of cases: rows, columns and cases in any order, steps that are left out, labels that change."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream import load_task
from downstream.data.loading import load_plain_series
from downstream.errors import DataError, DataWarning


def table(n: int = 8, *, id_name: str = "case", step: str = "step") -> pd.DataFrame:
    """Cases of 4 to 6 steps with the channels b and a, a missing value, and classes in turns."""
    rng = np.random.default_rng(1)
    parts = []
    for number in range(n):
        length = 4 + number % 3
        values = rng.normal(size=(length, 2)).round(3)
        values[1, number % 2] = np.nan
        parts.append(pd.DataFrame(values, columns=["b", "a"]).assign(label="uv"[number % 2]))
        parts[-1].insert(0, step, range(length))
        parts[-1].insert(0, id_name, f"c{number}")
    return pd.concat(parts, ignore_index=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["case", "id", "unique_id", "sample", "who"]), st.booleans())
@pytest.mark.filterwarnings("ignore::downstream.errors.DataWarning")
def test_no_order_matters(rng_seed: int, id_name: str, as_dates: bool) -> None:
    rng, frame = np.random.default_rng(rng_seed), table(id_name=id_name)
    if as_dates:
        frame["step"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["step"], unit="h")
    mixed = frame.iloc[rng.permutation(len(frame)), rng.permutation(frame.shape[1])]
    options = {"id_column": "who"} if id_name == "who" else {}
    one, other = (load_task(source, kind="classification", **options) for source in (frame, mixed))
    known = load_task(table(), kind="classification")
    assert one.hash == other.hash == known.hash and one.variates == other.variates == ("a", "b")
    assert one.identity == other.identity and one.spec.window == 6
    by_name = [
        {each.name: dict(zip(data.variates, each.values.T.tolist(), strict=True)) for each in data.series}
        for data in (load_plain_series(source, kind="classification", **options) for source in (frame, mixed))
    ]
    assert repr(by_name[0]) == repr({name: {key: by_name[1][name][key] for key in "ba"} for name in by_name[0]})


def test_a_case_that_is_known_by_its_name_alone_is_told(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "a.csv", index=False)
    with pytest.warns(DataWarning, match=r"a.csv: rows with the same 'case' are taken as the steps of one case; pass"):
        known = load_task(tmp_path / "a.csv", kind="classification").hash
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for options in ({"table": "long"}, {"id_column": "case"}, {"id_column": "case", "table": "long"}):
            assert load_task(tmp_path / "a.csv", kind="classification", **options).hash == known
    series = load_plain_series(tmp_path / "a.csv", kind="forecasting", table="long", variates=["a", "b"])
    assert [one.name for one in series.series] == [f"c{number}" for number in range(8)] and series.ids == "case"


def test_steps_are_sorted_and_what_is_left_out_is_told(tmp_path: Path) -> None:
    frame = table().drop(index=[2, 12])
    frame.iloc[[1, 0, *range(2, len(frame))]].to_csv(tmp_path / "a.csv", index=False)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        data = load_plain_series(tmp_path / "a.csv", kind="classification", table="long")
    said = [str(one.message) for one in told]
    assert said[0] == (
        "a.csv: column 'step', line 3: 0 is earlier than the row before it; rows are sorted by this column"
    )
    assert said[1].startswith("a.csv, series 'c0': column 'step': 1 gaps in time, the longest of about 2 steps before")
    assert said[1].endswith("(and so in 1 more series)") and len(said) == 2
    np.testing.assert_array_equal(data.series[0].values[:, 0], frame["b"][:3])


def test_ids_that_each_have_one_row_name_the_rows_of_a_wide_table() -> None:
    values = np.random.default_rng(0).normal(size=(6, 3))
    frame = pd.DataFrame(values, columns=["t0", "t1", "t2"]).assign(label=list("uvuvuv"), unique_id=list("fedcba"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load_plain_series(frame, kind="classification")
    assert [one.name for one in data.series] == list("fedcba") and data.ids == "unique_id" and data.has_ids
    assert data.steps == ("t0", "t1", "t2")
    task = load_task(frame, kind="classification", pool_test=True)
    assert task.labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert task.hash == load_task(frame.iloc[::-1], kind="classification", pool_test=True).hash


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda t: t.assign(label=t["label"].where(t.index != 2, "z")), {},
         r"column 'label', line 4: 'z' is not the label that its series begins with \('c0' has 'u'\)"),
        (lambda t: t.assign(label=t["label"].where(t.index != 2)), {}, r"line 4: the label is missing"),
        (lambda t: t.drop(columns="label"), {}, r"need labels y, one per id, or a label column; no column 'label'"),
        (lambda t: t.assign(step=0), {}, r"series 'c0': column 'step', line 3: 0 repeats"),
        (lambda t: t.assign(case=t["case"].where(t.index != 3)), {"id_column": "case"}, r"line 5: the value is miss"),
        (lambda t: t.assign(sample=t["case"]), {}, r"which column says .* pass id_column=... \(case, sample\)"),
        (lambda t: t.rename(columns={"case": "who"}), {"table": "long"}, r"pass id_column=... \(who, step, b, a"),
        (lambda t: t, {"id_column": "cas"}, r"unknown column 'cas'; did you mean 'case'"),
        (lambda t: t.assign(**{f"s{n}": 0.0 for n in range(5)}), {}, r"other columns are numbered .* table='long'"),
        (lambda t: t.drop(columns="step"), {}, r"column 'case', line 3: 'c0' repeats; .* or pass table='long'"),
        (lambda t: t.assign(a="x"), {}, r"column 'a', line 2: 'x' is not a number"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::downstream.errors.DataWarning")
def test_what_is_wrong_has_its_line(change: object, options: dict[str, str], message: str, tmp_path: Path) -> None:
    change(table()).to_csv(tmp_path / "a.csv", index=False)  # type: ignore[operator]
    with pytest.raises(DataError, match=message):
        load_task(tmp_path / "a.csv", kind="classification", **options)


def test_rows_are_cases_where_that_is_said() -> None:
    frame = table().fillna(0.0)
    with pytest.warns(DataWarning, match=r"column 'case' names the rows and is no time step"):
        task = load_task(frame, kind="classification", table="cases", pool_test=True)
    assert task.windows.n == len(frame) and task.identity.steps == ("step", "b", "a")
    with pytest.warns(DataWarning, match=r"column 'case' names"):
        assert load_task(frame, kind=None, table="cases", pool_test=True).hash == task.hash


@pytest.mark.parametrize("options", [{"table": "wide"}, {"table": "steps", "id_column": "case"}])
def test_options_that_say_nothing_together(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"table must be one of cases, steps, long or None|has no id_column"):
        load_task(table(), kind="classification", **options)


def test_regression_reads_the_same_tables(tmp_path: Path) -> None:
    frame = table().drop(columns="label")
    targets = frame["case"].str[1:].astype(int) / 4
    frame.assign(power=targets).to_csv(tmp_path / "a.csv", index=False)
    task = load_task(tmp_path / "a.csv", kind="regression", label_column="power", table="long", pool_test=True)
    assert task.labels.tolist() == [number / 4 for number in range(8)] and task.variates == ("a", "b")
