"""One panel in every usual form is the same series, by id and by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream import load_task
from downstream.data.loading import load_plain_series
from downstream.data.raw import SeriesSet
from downstream.errors import DataError

Frames = dict[str, pd.DataFrame]
_TIMES = pd.date_range("2024-03-30", periods=6, freq="h")


def read(source: Any, kind: str = "forecasting", **options: Any) -> SeriesSet:
    return load_plain_series(source, kind=kind, **options)


def frames(ids: str = "BA", steps: tuple[int, ...] = (6, 4)) -> Frames:
    """Return frames by id with columns b, a; values tell series, column and step."""
    return {
        one: pd.DataFrame(
            {"b": 100.0 * place + np.arange(n), "a": 100.0 * place + 50 + np.arange(n)}, index=_TIMES[:n], dtype=float
        )
        for place, (one, n) in enumerate(zip(ids, steps, strict=True))
    }


def levels(panel: Frames) -> pd.DataFrame:
    return pd.concat(panel)


def long(panel: Frames, names: tuple[str, str] = ("unique_id", "ds")) -> pd.DataFrame:
    return levels(panel).rename_axis(list(names)).reset_index()


def mixed(table: pd.DataFrame, *, rng_seed: int) -> pd.DataFrame:
    """Return the rows with the series mixed, each series in its order."""
    ids = table["unique_id"].to_numpy()
    turns = np.random.default_rng(rng_seed).permutation(ids)
    taken = {one: iter(np.flatnonzero(ids == one)) for one in dict.fromkeys(ids)}
    return table.iloc[[next(taken[one]) for one in turns]]


def cells(panel: Frames) -> pd.DataFrame:
    columns = next(iter(panel.values())).columns
    return pd.DataFrame({c: [f[c] for f in panel.values()] for c in columns}, index=list(panel))


def arrays(panel: Frames, make: Callable[[np.ndarray], Any] = np.asarray) -> dict[str, Any]:
    return {one: make(frame.to_numpy().T) for one, frame in panel.items()}


FORMS: dict[str, Callable[[Frames], Any]] = {
    "levels": levels,
    "named levels": lambda panel: levels(panel).rename_axis(["item_id", "timestamp"]),
    "swapped, but named": lambda panel: levels(panel).rename_axis(["item_id", "timestamp"]).swaplevel(),
    "periods": lambda panel: levels({one: frame.to_period("h") for one, frame in panel.items()}),
    "long": long,
    "long, ids in the index": lambda panel: long(panel).set_index("unique_id"),
    "long, times in the index": lambda panel: long(panel).set_index("ds"),
    "AutoGluon": lambda panel: long(panel, ("item_id", "timestamp")),
    "tsfresh's flat form": lambda panel: long(panel, ("id", "time")),
    "categories": lambda panel: long(panel).astype({"unique_id": pd.CategoricalDtype([*"ZABCDE"])}),
    "columns": lambda panel: long(panel).to_dict("list"),
    "dict of frames": lambda panel: panel,
    "other order of columns": lambda panel: {o: f[sorted(f)] if i else f for i, (o, f) in enumerate(panel.items())},
    "list of frames": lambda panel: list(panel.values()),
    "groups of a frame with levels": lambda panel: [group for _, group in levels(panel).groupby(level=0, sort=False)],
    "groups of a long frame": lambda panel: [group for _, group in long(panel).groupby("unique_id", sort=False)],
    "cells": cells,
    "dict of arrays": arrays,
    "list of arrays": lambda panel: list(arrays(panel).values()),
    "tensors": lambda panel: arrays(panel, lambda x: torch.tensor(x, requires_grad=True)),
    "masked": lambda panel: arrays(panel, np.ma.masked_invalid),
    "objects": lambda panel: arrays(panel, lambda x: x.astype(object)),
}


def same(found: SeriesSet, panel: Frames, form: str) -> None:
    names = list(next(iter(panel.values())).columns)
    assert found.has_names == ("arrays" not in form and form not in ("tensors", "masked", "objects"))
    assert found.has_ids == (not form.startswith("list"))
    assert not found.has_names or list(found.variates) == names
    assert not found.has_ids or [one.name for one in found.series] == list(panel)
    for series, frame in zip(found.series, panel.values(), strict=True):
        np.testing.assert_array_equal(series.values, frame.to_numpy())
        if found.has_names:
            assert list(series.times) == list(frame.index)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["forecasting", "anomaly", "classification"])
def test_every_form_is_the_same_panel(form: str, kind: str) -> None:
    same(read(FORMS[form](frames()), kind), frames(), form)


@st.composite
def panels(draw: st.DrawFn) -> Frames:
    ids = draw(st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=4, unique=True))
    names = draw(st.permutations(["v", "w", "target"]))[: draw(st.integers(1, 3))]
    value = st.one_of(st.floats(-1e6, 1e6, width=32), st.just(np.nan))
    panel = {}
    for one in ids:
        n = draw(st.integers(2, 6))
        rows = draw(st.lists(st.lists(value, min_size=len(names), max_size=len(names)), min_size=n, max_size=n))
        panel[one] = pd.DataFrame(rows, columns=names, index=_TIMES[:n], dtype=np.float64)
    return panel


@settings(max_examples=60, deadline=None)
@given(panels(), st.sampled_from(sorted(FORMS)), st.integers(0, 99))
@pytest.mark.filterwarnings("ignore:array. with layout:downstream.errors.DataWarning")
def test_any_panel_is_the_same_in_any_form(panel: Frames, form: str, rng_seed: int) -> None:
    same(read(FORMS[form](panel)), panel, form)
    rows = mixed(long(panel), rng_seed=rng_seed)
    same(read(rows), {one: panel[one] for one in dict.fromkeys(rows["unique_id"])}, "long")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_of_panels(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    path = tmp_path / f"set.{suffix}"
    table = mixed(long(frames(), ("unique_id", "timestamp")), rng_seed=0).rename(columns={"unique_id": "item_id"})
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path)
    same(read(path), frames(), "long")
    if suffix == "parquet":
        levels(frames()).rename_axis(["id", "time"]).to_parquet(path)
        same(read(path), frames(), "levels")


def test_ids_are_text_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("unique_id,ds,y\n007,1,1\nNA,1,2\n007,2,3\n1e3,1,4\n")
    assert [one.name for one in read(tmp_path / "a.csv").series] == ["007", "NA", "1e3"]
    whole = long(frames()).assign(unique_id=np.repeat([7, 3], (6, 4)))
    for ids in (whole["unique_id"], whole["unique_id"].astype(float), whole["unique_id"].astype("Int64")):
        assert [one.name for one in read(whole.assign(unique_id=ids)).series] == ["7", "3"]


def test_series_of_one_name_share_a_column_and_others_are_ids() -> None:
    same_name = read([frame["a"] for frame in frames().values()])
    assert same_name.variates == ("a",) and same_name.has_names and not same_name.has_ids
    other = read([frame["a"].rename(one) for one, frame in frames().items()])
    assert [one.name for one in other.series] == ["B", "A"] and other.has_ids and not other.has_names
    by_id = read({one: frame["a"] for one, frame in frames().items()})
    assert by_id.variates == ("a",) and by_id.has_ids and by_id.has_names


def test_time_is_the_rows_of_a_frame_whatever_the_layout() -> None:
    for layout in ("nct", "ntc"):
        assert [one.values.shape for one in read(frames(), layout=layout).series] == [(6, 2), (4, 2)]
        assert [one.values.shape for one in read(list(frames().values()), layout=layout).series] == [(6, 2), (4, 2)]


def test_columns_that_only_count_are_no_names() -> None:
    assert not read([pd.DataFrame(np.ones((4, 2)))] * 2).has_names
    assert not read(pd.DataFrame(np.ones((4, 2)))).has_names


def test_an_entry_of_gluonts_is_a_series() -> None:
    start = pd.Period("2024-01", "M")
    found = read(
        [{"start": start, "target": [1, 2, 3], "item_id": "x"}, {"start": start, "target": [4, 5], "item_id": 2}]
    )
    assert [one.name for one in found.series] == ["x", "2"] and found.has_ids and found.variates == ("target",)
    assert list(found.series[1].times) == list(pd.to_datetime(["2024-01-01", "2024-02-01"]))
    two = read([{"target": np.ones((2, 5))}])
    assert two.variates == ("target_0", "target_1") and two.series[0].values.shape == (5, 2) and not two.has_ids


def test_anomaly_labels_and_splits_belong_to_each_series() -> None:
    table = long(frames()).assign(
        label=[0, 1, 0, 0, 0, 0, 0, 0, 1, 1], split=[*["train"] * 2, *["test"] * 4] * 1 + ["train"] * 3 + ["test"]
    )
    second, first = sorted(read(mixed(table, rng_seed=1), "anomaly").series, key=lambda one: one.name)
    assert first.labels.tolist() == [0, 1, 0, 0, 0, 0] and first.n_train == 2
    assert second.labels.tolist() == [0, 0, 1, 1] and second.n_train == 3
    with pytest.raises(DataError, match=r"row 2 of series 'B' is a test row with train rows after it"):
        read(table.assign(split=[*["train"] * 2, "test", *["train"] * 7]), "anomaly")


def test_a_case_of_a_panel_has_one_label() -> None:
    table = long(frames("ABCD", (5, 5, 5, 5))).assign(label=np.repeat(["u", "v", "u", "v"], 5))
    task = load_task(table, kind="classification", pool_test=True)
    assert task.variates == ("a", "b") and task.windows.length == 5 and task.labels.tolist() == [0, 1, 0, 1]
    with pytest.raises(
        DataError, match=r"column 'label', row 2 of series 'B': 'z' is not the label that its series begins"
    ):
        load_task(table.assign(label=table["label"].where(table.index != 7, "z")), kind="classification")
    with pytest.raises(DataError, match=r"need labels y, one per id, or a label column"):
        load_task(table.drop(columns="label"), kind="classification")
    with pytest.raises(DataError, match=r"every id has one row"):
        load_task(table.groupby("unique_id").head(1), kind="classification")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (pd.concat({"x": levels(frames())}), "two index levels, ids and times; got 3"),
        (levels(frames()).swaplevel(), r"pass frame.swaplevel\(\).sort_index\(\)"),
        (long(frames()).assign(unique_id=None), "column 'unique_id', row 0: the value is missing"),
        (long(frames()).iloc[::-1], "row 1 of series 'A': 2024-03-30 02:00:00 is earlier than the row before it"),
        (
            long(frames(), ("id", "time")).melt(["id", "time"], var_name="kind"),
            r"pass frame.pivot\(index=\['id', 'time'\]",
        ),
        (long(frames()).assign(a="x"), "column 'a', row 0 of series 'B': 'x' is not a number"),
        (
            {"A": frames()["A"], "B": frames()["A"][["a"]]},
            r"item 'B': all must have the same columns and times; \['b'\]",
        ),
        ({"A": frames()["A"], "B": frames()["A"].iloc[:0]}, "item 'B': each must be a frame of one series"),
        ([levels(frames())], "item 0: each must be a frame of one series"),
        ([frames()["A"], frames()["A"].reset_index(drop=True)], r"same columns and times; \['time'\]"),
        ([frames()["A"], [1, 2]], "item 1 is of type list; pass frames only"),
        ({1: frames()["A"], "1": frames()["A"]}, "two of its ids are the same as text"),
        (
            cells(frames()).assign(b=[[1.0] * 5, [1.0] * 4]),
            r"row 0: its cells must be series of one length, got b 5, a 6",
        ),
        (long(frames()).set_index("unique_id", drop=False), "both a column and the index"),
        ([{"start": 1}], "each must have a 'target'"),
        ({}, "it is empty"),
        ({"p": 1, "q": 2}, "each value must be a series of its own"),
        ({"date": [1, 2], "v": [1, 2, 3]}, "must be of one length"),
    ],
)
def test_what_is_no_panel_is_said_in_one_sentence(source: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(source)
