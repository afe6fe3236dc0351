"""The time column or index of a table: found by name or content, read in one way, and checked to ascend."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.columns.dates import Reading, clock_seconds, is_clock, naive_utc, readings, reads_as_time
from downstream.data.raw import Table
from downstream.errors import DataError, DataWarning

INDEX_NAMES = frozenset({"", "index", "unnamed: 0", "level_0", "__index_level_0__"})
"""What libraries call an index that is written as a column, in lower case."""
TIME_NAMES = frozenset(
    {"date", "datetime", "timestamp", "timestamp_ms", "time", "ds", "step", "t", "unix", "unix_time", "epoch", "year"}
    | {"timestep", "time_step"}
)
TIME_NAMES |= INDEX_NAMES
_LONGEST_STEP = 4.5  # usual steps; weekends and holidays among working days are shorter
_FEWEST_STEPS = 8
_FEWEST_COUNTED = 2  # of steps that are numbered one by one
Disorder = Literal["refuse", "warn", "sort"]
_Groups = Mapping[str, NDArray[np.intp]]


def find_time_column(table: Table, *, wanted: str | None) -> str | None:
    """Return the name of the time column, or None where there is none.

    Rule: the wanted one; else, without an index of times, the first column if it is called like a time or step
    (`date`, `timestamp`, `step`, ...) or holds text that reads as a time; else the one column that does both.

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
    first = str(frame.columns[0])
    others = [str(name) for name in frame.columns[1:] if str(name).lower() in TIME_NAMES and _holds_times(table, name)]
    if first.lower() in INDEX_NAMES and not _holds_times(table, first):  # the numbers of a frame's rows
        second = [str(name) for name in frame.columns[1:2] if _holds_times(table, name)]
        if len(second or others) == 1:
            return (second or others)[0]
    if first.lower() in TIME_NAMES or _holds_times(table, first):
        return first
    return others[0] if len(others) == 1 else None


def _holds_times(table: Table, name: str) -> bool:
    column = table.frame[name]
    if pd.api.types.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        return True
    if pd.api.types.is_numeric_dtype(column) or not len(column) or pd.isna(column.iloc[0]):
        return False
    return reads_as_time(str(column.iloc[0]), date_format=table.form.date_format)


def read_times(
    table: Table,
    column: str | None,
    *,
    disorder: Disorder = "refuse",
    groups: _Groups | None = None,
) -> pd.DatetimeIndex | None:
    """Return the time stamps of a table, or None where its time is a running number, a time of day, or absent.

    Times with a zone or an offset are instants: they are ordered, and returned, in UTC. Periods are their beginnings.

    Args:
        table: The table; its form may say how dates are written.
        column: Its time column; None looks at the index.
        disorder: Whether repeated or descending times are refused or only warned about; what `in_order_of_time` has
            sorted may not repeat.
        groups: Rows of each series by what messages call it, where there are several; times must ascend in each.

    Raises:
        DataError: If a time is missing, unreadable, repeated or not ascending, or dates can be read in several ways;
            names the first row.
    """
    is_index = column is None or column.lower() in INDEX_NAMES
    label = "the index" if column is None else f"column {column!r}"
    values = (pd.Series(table.frame.index) if column is None else table.frame[column]).reset_index(drop=True)
    if column is None and table.frame.index.nlevels > 1:
        return None
    groups = groups or {table.source: np.arange(len(values))}
    if is_index and len(values) and _is_text(values) and not reads_as_time(str(values.iloc[0])):
        warnings.warn(
            f"{table.source}: {label} holds texts such as {values.iloc[0]!r}, no times; rows are taken in their order",
            DataWarning,
            stacklevel=4,
        )
        return None
    table.refuse(values.isna(), what=label, values=values.array, rule="{} is not a time or step")
    order = _order(values, table=table, label=label, groups=groups)
    for source, rows in groups.items():
        _check_ascending(order.iloc[rows], values=values, table=table, where=f"{source}: {label}", disorder=disorder)
    _tell_gaps({f"{source}: {label}": order.iloc[rows] for source, rows in groups.items()}, values=values, table=table)
    return None if pd.api.types.is_numeric_dtype(order) else pd.DatetimeIndex(order)


def in_order_of_time(table: Table, column: str, *, groups: _Groups) -> Table:
    """Return a table whose rows stand, series by series, in the order of their time column, sorted with a warning.

    Times of day, which begin anew at midnight, and columns with gaps are left as they are.
    """
    values = table.frame[column].reset_index(drop=True)
    as_clock = table.form.date_format is None and not pd.api.types.is_numeric_dtype(values)
    if not len(values) or values.isna().any() or (as_clock and is_clock(str(values.iloc[0]))):
        return table
    numbers = _order(values, table=table, label=f"column {column!r}", groups=groups).to_numpy()
    early = [rows for rows in groups.values() if (numbers[rows][1:] < numbers[rows][:-1]).any()]
    if not early:
        return table
    row = int(early[0][np.flatnonzero(numbers[early[0]][1:] < numbers[early[0]][:-1])[0] + 1])
    warnings.warn(
        f"{table.source}: column {column!r}, {table.where(row)}: {values.iloc[row]} is earlier than the row before it; "
        "rows are sorted by this column",
        DataWarning,
        stacklevel=4,
    )
    series = np.zeros(len(values), dtype=np.intp) if table.panel is None else table.panel.series_of
    rows = np.lexsort((numbers, series))
    return replace(
        table,
        frame=table.frame.iloc[rows].reset_index(drop=True),
        lines=None if table.lines is None else table.lines[rows],
        panel=table.panel and replace(table.panel, series_of=series[rows]),
    )


def _is_text(values: pd.Series) -> bool:
    return pd.api.types.infer_dtype(values) in ("string", "categorical", "mixed", "mixed-integer")


def _order(values: pd.Series, *, table: Table, label: str, groups: _Groups) -> pd.Series:
    """Return what the rows are ordered by: numbers as they stand, times as instants."""
    date_format = table.form.date_format
    if isinstance(values.dtype, pd.PeriodDtype):
        return pd.Series(values.dt.to_timestamp())
    if pd.api.types.is_datetime64_any_dtype(values):
        return naive_utc(values)
    if pd.api.types.is_timedelta64_dtype(values):
        return pd.Series(values.dt.total_seconds())
    if pd.api.types.is_numeric_dtype(values) and (date_format is None or label == "the index"):
        return values
    if date_format is None and is_clock(str(values.iloc[0])):
        order = clock_seconds(values)
        table.refuse(order.isna(), what=label, values=values.array, rule="{} is not a time or step")
        return order
    try:
        found = readings(values, date_format=date_format)
    except ValueError as error:
        raise DataError(f"date_format: {date_format!r} is no format of dates ({error})") from error
    return _one_reading(found, values=values, table=table, label=label, groups=groups)


def _one_reading(found: list[Reading], *, values: pd.Series, table: Table, label: str, groups: _Groups) -> pd.Series:
    """Return the times of the one reading that fits a whole column.

    Where several fit all rows and differ, it is the one that ascends, of several such the one that goes in regular
    steps; if that is not one, nobody but the user can know.

    Raises:
        DataError: If none or several fit.
    """
    best = max((reading.times for reading in found), key=lambda times: times.notna().sum(), default=None)
    date_format = table.form.date_format
    rule = "{} is not a time or step"
    if date_format is not None:
        rule = f"{{}} is not written as date_format={date_format!r} says"
    elif best is not None and best.notna().any():
        rule += " written like the others; a column is read in one way (date_format=... says which)"
    unread = np.ones(len(values), dtype=bool) if best is None else best.isna()
    table.refuse(unread, what=label, values=values.array, rule=rule)
    fitting: list[Reading] = []
    for reading in found:
        if not reading.times.isna().any() and not any(reading.times.equals(other.times) for other in fitting):
            fitting.append(reading)
    if len(fitting) == 1:
        return fitting[0].times
    ascending = [one for one in fitting if _ascends(one.times, groups=groups)]
    regular = [one for one in ascending if _is_regular(one.times, groups=groups)]
    chosen = next((some for some in (ascending, regular) if len(some) == 1), None)
    if chosen is None:
        one, other = fitting[:2]
        row = int(np.flatnonzero(one.times != other.times)[0])
        raise DataError(
            f"{table.source}: {label}, {table.where(row)}: {str(values.iloc[row])!r} may be the day "
            f"{one.times.iloc[row]:%Y-%m-%d} or {other.times.iloc[row]:%Y-%m-%d}; pass date_format={one.how!r} or "
            f"date_format={other.how!r}"
        )
    return chosen[0].times


def _ascends(times: pd.Series, *, groups: _Groups) -> bool:
    numbers = times.to_numpy()
    return all(bool((numbers[rows][1:] > numbers[rows][:-1]).all()) for rows in groups.values())


def _is_regular(times: pd.Series, *, groups: _Groups) -> bool:
    """Whether times go in equal steps, of time or of months, in every series; one of two rows cannot tell."""
    months = (12 * times.dt.year + times.dt.month).to_numpy()
    in_month = (times - times.dt.normalize() + pd.to_timedelta(times.dt.day, unit="D")).to_numpy()
    long = [rows for rows in groups.values() if len(rows) > 2]
    return bool(long) and all(
        _are_equal(np.diff(times.to_numpy()[rows]))
        or (_are_equal(np.diff(months[rows])) and _are_equal(in_month[rows]))
        for rows in long
    )


def _are_equal(values: NDArray[Any]) -> bool:
    return bool((values == values[0]).all())


def _check_ascending(order: pd.Series, *, values: pd.Series, table: Table, where: str, disorder: Disorder) -> None:
    numbers = order.to_numpy()
    bad = np.flatnonzero(numbers[1:] <= numbers[:-1])
    if not bad.size:
        return
    place = int(bad[0]) + 1
    row = int(order.index[place])
    what = "repeats the time before it" if numbers[place] == numbers[place - 1] else "is earlier than the row before it"
    sentence = f"{where}, {table.where(row)}: {values.iloc[row]} {what}"
    if disorder != "warn":
        remedy = "; sort the frame, or pass frame.reset_index(drop=True) if its rows are in order"
        raise DataError(
            f"{sentence}; times must ascend without repeats" + (remedy if where.endswith("the index") else "")
        )
    warnings.warn(f"{sentence} ({bad.size} such rows; kept in file order)", DataWarning, stacklevel=3)


def _tell_gaps(series: Mapping[str, pd.Series], *, values: pd.Series, table: Table) -> None:
    """Warn of times that are left out: rows are taken as equally far apart, whatever lies between them.

    Steps that are numbered one by one have a gap where a number is left out; others where a step is far longer than
    usual.
    """
    told = []
    for where, order in series.items():
        steps = np.diff(order.to_numpy()).astype(np.float64)
        if len(steps) < _FEWEST_COUNTED or not (usual := float(np.median(steps))) > 0:
            continue
        counted = pd.api.types.is_numeric_dtype(order) and steps.min() == 1 and usual < 2 and not (steps % 1).any()
        usual = 1 if counted else usual
        gaps = np.flatnonzero(steps > (1 if counted else _LONGEST_STEP * usual))
        if gaps.size and (counted or len(steps) >= _FEWEST_STEPS):
            after = int(order.index[int(gaps[steps[gaps].argmax()]) + 1])
            told.append(
                f"{where}: {gaps.size} gaps in time, the longest of about {steps.max() / usual:.0f} steps before "
                f"{table.where(after)} ({values.iloc[after]}); rows are taken as following each other"
            )
    if told:
        more = f" (and so in {len(told) - 1} more series)" if told[1:] else ""
        warnings.warn(told[0] + more, DataWarning, stacklevel=4)
