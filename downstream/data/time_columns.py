"""The time column of a table: found by name or kind, read, and checked to ascend."""

import warnings
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.raw import Table
from downstream.errors import DataError, DataWarning

TIME_NAMES = frozenset({"date", "datetime", "timestamp", "time", "ds", "step", "index", "", "unnamed: 0"})
Disorder = Literal["refuse", "warn"]


def find_time_column(table: Table, *, wanted: str | None) -> str | None:
    """Return the name of the time column, or None where there is none.

    Rule: the wanted one; else the first column if it is called like a time or
    step (`date`, `timestamp`, `step`, ...) or holds text that reads as a date.

    Raises:
        DataError: If the wanted column does not exist.
    """
    frame = table.frame
    if wanted is not None:
        if wanted not in frame.columns:
            raise DataError(f"{table.source}: there is no column {wanted!r} (columns: {', '.join(frame.columns)})")
        return wanted
    if isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex) or not len(frame.columns):
        return None
    first = frame.columns[0]
    column = frame[first]
    if first.lower() in TIME_NAMES or pd.api.types.is_datetime64_any_dtype(column):
        return str(first)
    if pd.api.types.is_numeric_dtype(column) or not len(column):
        return None
    return str(first) if not bool(_to_times(column.iloc[:1]).isna().any()) else None


def read_times(
    table: Table,
    column: str | None,
    *,
    disorder: Disorder = "refuse",
    groups: Mapping[str, NDArray[np.intp]] | None = None,
) -> pd.DatetimeIndex | None:
    """Return the time stamps of a table, or None where its time is a running number or absent.

    Args:
        table: The table.
        column: Its time column; None looks at a time index.
        disorder: Whether repeated or descending times are refused or only warned about.
        groups: Rows of each series by what messages call it, where there are several; times must ascend in each.

    Raises:
        DataError: If a time is missing, unreadable, repeated or not ascending; names the first row.
    """
    if column is None:
        index = table.frame.index
        if isinstance(index, pd.PeriodIndex):
            index = index.to_timestamp()
        if not isinstance(index, pd.DatetimeIndex):
            return None
        values, label = pd.Series(index), "the index"
    else:
        values, label = table.frame[column].reset_index(drop=True), f"column {column!r}"
    order = _order(values, table=table, label=label)
    for source, rows in (groups or {table.source: np.arange(len(order))}).items():
        _check_ascending(order.iloc[rows], table=table, where=f"{source}: {label}", disorder=disorder)
    return None if pd.api.types.is_numeric_dtype(order) else pd.DatetimeIndex(order)


def _order(values: pd.Series, *, table: Table, label: str) -> pd.Series:
    """Return times or running numbers as they stand, none of them missing."""
    order = values if pd.api.types.is_numeric_dtype(values) else _to_times(values)
    table.refuse(order.isna(), what=label, values=values.array, rule="{} is not a time or step")
    return order


def _to_times(column: pd.Series) -> pd.Series:
    """Parse as ISO 8601, then as whatever the first value looks like; NaT where neither fits."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.Series(column.dt.tz_localize(None))
    text = column.astype("string")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pandas warns when it cannot infer one format
        times = pd.to_datetime(text, errors="coerce", format="ISO8601", utc=True)
        if bool(times.isna().any()):
            times = pd.to_datetime(text, errors="coerce", utc=True)
    return pd.Series(times.dt.tz_localize(None))


def _check_ascending(order: pd.Series, *, table: Table, where: str, disorder: Disorder) -> None:
    values = order.to_numpy()
    bad = np.flatnonzero(values[1:] <= values[:-1])
    if not bad.size:
        return
    place = int(bad[0]) + 1
    what = "repeats the time before it" if values[place] == values[place - 1] else "is earlier than the row before it"
    sentence = f"{where}, {table.where(int(order.index[place]))}: {order.iloc[place]} {what}"
    if disorder == "refuse":
        raise DataError(f"{sentence}; times must ascend without repeats")
    warnings.warn(f"{sentence} ({bad.size} such rows; kept in file order)", DataWarning, stacklevel=3)
