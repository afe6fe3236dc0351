"""Containers of other libraries, and numbers of every type."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from downstream.data.loading import load_plain_series
from downstream.data.raw import SeriesSet
from downstream.errors import DataError, DataWarning

_X = np.arange(12.0).reshape(2, 6)  # 2 variates, 6 steps
_LONG = pd.DataFrame(
    {"unique_id": list("BBAA"), "ds": [*pd.date_range("2024", periods=2)] * 2, "y": [1.0, 2.0, 3.0, np.nan]}
)


def read(source: Any, **options: Any) -> SeriesSet:
    return load_plain_series(source, kind="forecasting", **options)


@pytest.mark.parametrize(
    "source",
    [
        torch.tensor(_X, requires_grad=True),
        torch.tensor(_X).bfloat16(),
        [torch.tensor(_X)],
        np.matrix(_X),
        np.ma.masked_array(_X, mask=False),
        _X.astype(">f4"),
        _X.astype(np.float16),
        _X.astype(np.longdouble),
        _X.astype(np.uint8),
        _X.astype(object),
        np.asfortranarray(_X),
        np.broadcast_to(_X, (1, 2, 6)),
        np.repeat(_X, 2, axis=1)[:, ::2],
        [[[float(v) for v in row] for row in _X]],
        np.array([[Decimal(int(v)) for v in row] for row in _X]),
        np.array([[Fraction(int(v)) for v in row] for row in _X]),
    ],
)
def test_numbers_of_any_type(source: Any) -> None:
    np.testing.assert_array_equal(read(source).series[0].values, _X.T)


def test_read_only_arrays_stay_as_they_are() -> None:
    x = _X.copy()
    x.flags.writeable = False
    np.testing.assert_array_equal(read(x).series[0].values, _X.T)
    np.testing.assert_array_equal(x, _X)


@pytest.mark.parametrize("dtype", [float, int, object])
def test_what_a_mask_hides_is_missing(dtype: type) -> None:
    found = read(np.ma.masked_equal(_X.astype(dtype), 7)).series[0].values
    assert np.isnan(found[1, 1]) and np.isnan(found).sum() == 1 and found[2, 1] == 8


@pytest.mark.parametrize(
    ("values", "right"),
    [
        (pd.array([1, None, 3], dtype="Int64"), [1, np.nan, 3]),
        (pd.array([1.5, None, 3], dtype="Float64"), [1.5, np.nan, 3]),
        (pd.array([True, None, False], dtype="boolean"), [1, np.nan, 0]),
        (np.array([Decimal("1.5"), None, pd.NA], dtype=object), [1.5, np.nan, np.nan]),
        (pd.Categorical([3, 1, 2]), [3, 1, 2]),
        (pd.arrays.SparseArray([1.0, 0, 2]), [1, 0, 2]),
        (np.array([2**53, 2**60, 2**53 + 2]), [2.0**53, 2.0**60, 2.0**53 + 2]),
        (np.array([2**63, 1, 2], dtype=np.uint64), [2.0**63, 1, 2]),
    ],
)
def test_columns_and_arrays_of_any_type(values: Any, right: list[float]) -> None:
    for source in (values, pd.Series(values), pd.DataFrame({"v": values})):
        np.testing.assert_array_equal(read(source).series[0].values[:, 0], right)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (_X + 1j, "got complex numbers; pass the real and the imaginary part"),
        (pd.DataFrame({"v": _X[0] + 1j}), "column 'v' holds complex numbers"),
        (np.array([1, 2**53 + 1]), r"index \(1,\) has more digits than float64 keeps"),
        (np.array([2**64 - 1], dtype=np.uint64), "more digits"),
        (np.array([2**53 + 1, None], dtype=object), "more digits"),
        (pd.array([1, None, 2**53 + 1], dtype="Int64"), "column 'value', row 2: .* more digits"),
        (pd.DataFrame({"v": [1, -(2**53) - 1]}), "column 'v', row 1: .* more digits"),
        (np.array([[1, "a"]], dtype=object), r"at index \(0, 1\) there is 'a'"),
        (np.array([10**400, 1], dtype=object), "infinite or beyond"),
        (np.array(["2024"], dtype="datetime64[D]"), "dtype datetime64"),
        (pd.DataFrame({"v": pd.to_timedelta([1, 2], unit="s"), "w": 1.0}), "column 'v' holds times"),
        (pd.DataFrame({"w": 1.0, "v": pd.period_range("2024", periods=2, freq="M")}), "column 'v' holds times"),
        ([[[1, 2], [3]]], "its rows have unequal lengths"),
        (sparse.csr_matrix(_X), r"pass X.toarray\(\)"),
        (torch.tensor(_X).to_sparse(), r"pass X.to_dense\(\)"),
        ((row for row in _X), r"pass list\(...\)"),
        (iter([1.0]), r"pass list\(...\)"),
        (
            [np.ones((10, 3)), np.ones((12, 3))],
            r"axes of each are \(variates, time\), .* 10 to 12; layout='ntc' gives 3",
        ),
    ],
)
def test_what_holds_no_series_is_said_in_one_sentence(source: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(source)


def test_arrays_with_fields_arrays_of_arrays_and_ranges() -> None:
    records = np.array([(1.0, 2), (3.0, 4)], dtype=[("a", float), ("b", int)])
    assert read(records).variates == ("a", "b") and read(range(5)).series[0].values.shape == (5, 1)
    uneven = np.empty(2, dtype=object)
    uneven[:] = [np.ones(3), np.ones(4)]
    assert [len(one.values) for one in read(uneven).series] == [3, 4]


def test_a_series_is_values_whatever_its_name() -> None:
    assert read(pd.Series([1.0, 2.0], name="step")).variates == ("value",)
    assert read(pd.Series([1.0, 2.0], name="v")).variates == ("v",)


@pytest.mark.parametrize(
    ("shape", "layout", "other"), [((4, 30, 3), "nct", "ntc"), ((4, 3, 30), "ntc", "nct"), ((30, 3), "nct", "ntc")]
)
def test_axes_that_look_swapped_are_warned_about(shape: tuple[int, ...], layout: str, other: str) -> None:
    for source in (np.ones(shape), list(np.ones(shape)) if len(shape) == 3 else [np.ones(shape)]):
        with pytest.warns(DataWarning, match=rf"layout='{layout}' .* 30 variates of 3 time steps; .* layout='{other}'"):
            read(source, layout=layout)


def _panel(found: SeriesSet) -> None:
    assert [one.name for one in found.series] == ["B", "A"] and found.has_ids and found.has_names
    np.testing.assert_array_equal(found.series[1].values, [[3], [np.nan]])
    assert list(found.series[0].times) == list(pd.date_range("2024", periods=2))


def test_arrow() -> None:
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = arrow.Table.from_pandas(_LONG, preserve_index=False)
    _panel(read(table))
    _panel(read(arrow.Table.from_pandas(_LONG.set_index(["unique_id", "ds"]))))
    np.testing.assert_array_equal(read(table["y"]).series[0].values[:, 0], _LONG["y"])
    money = pd.DataFrame({"v": pd.array([Decimal("1.5"), None], dtype=pd.ArrowDtype(arrow.decimal128(4, 2)))})
    np.testing.assert_array_equal(read(money).series[0].values, [[1.5], [np.nan]])
    np.testing.assert_array_equal(
        read(money.assign(v=pd.array([1, None], dtype="int64[pyarrow]"))).series[0].values, [[1], [np.nan]]
    )


def test_polars() -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    pytest.importorskip("pyarrow", reason="polars hands over by way of pyarrow")
    frame = polars.from_pandas(_LONG)
    _panel(read(frame))
    _panel(read(frame.lazy()))
    _panel(read({"B": frame[:2].drop("unique_id"), "A": frame[2:].drop("unique_id")}))
    assert read(polars.Series([1.0, None])).variates == ("value",)


def test_xarray() -> None:
    xarray = pytest.importorskip("xarray", reason="xarray is not installed")
    times = pd.date_range("2024", periods=4)
    coords = {"item": ["B", "A"], "channel": ["u", "v", "w"], "time": times}
    values = np.arange(24.0).reshape(2, 3, 4)
    array = xarray.DataArray(values, dims=list(coords), coords=coords)
    for source in (array, array.transpose("time", "channel", "item"), array.to_dataset(dim="channel")):
        found = read(source)
        assert [one.name for one in found.series] == ["B", "A"] and found.variates == ("u", "v", "w")
        np.testing.assert_array_equal(found.series[1].values, values[1].T)
    assert read(array[0]).series[0].values.shape == (4, 3) and len(read(array[:, 0]).series) == 2
    with pytest.raises(DataError, match=r"one dimension must be called time, got dim_0"):
        read(xarray.DataArray(values[0]))
    with pytest.raises(DataError, match=r"beside time and variables there may be one dimension"):
        read(xarray.Dataset({"v": array}))
