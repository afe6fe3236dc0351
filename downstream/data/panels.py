"""Panels as libraries write them (two index levels, ids in a column, nested cells, lists of frames) to a long table."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from downstream.data.columns.ids import (
    ID_NAMES,
    IDS_OF_ROWS,
    id_column,
    repeated_ids,
    seems_wide,
    time_of_rows,
    which_id,
)
from downstream.data.memory.containers import is_cell, unwrapped
from downstream.data.raw import Panel, Table
from downstream.data.time_columns import TIME_NAMES
from downstream.errors import DataError, DataWarning

_KINDS = ("kind", "variable", "dim_id", "dimension", "metric")


def as_panel(table: Table) -> Table:
    """Return a table with its series told apart, or as it is where it holds one series or a case per row.

    Rule: two index levels are ids and times; a column (or index) called `unique_id` or `item_id` holds ids, and so does
    `id` or `series_id` beside a time where it repeats, unless the form of the table names a column or says what its
    rows are; in cells that are series, each row is a series and each column a variate. Ids come in the order of their
    first rows.

    Raises:
        DataError: If the index has more levels or its times first, ids are missing, rows hold single values by kind, or
            a long table has no column of ids, or several.
    """
    if table.frame.index.nlevels > 1:
        return _by_levels(table)
    if str(table.frame.index.name).lower() in ID_NAMES or table.frame.index.name == table.form.id_column is not None:
        table = replace(table, frame=_index_as_column(table.frame, source=table.source))
    nested = [name for name in table.frame.columns if _is_nested(table.frame[name])]
    if nested:
        return _unnested(table, nested)
    _refuse_kinds(table)
    name = id_column(table, has_times=_times_of(table.frame.index) is not None)
    return table if name is None else _by_column(table, name)


def as_cases(table: Table, *, label: str) -> Table:
    """Return a table about cases: a panel whose series are the cases, or one with a case per row.

    Rule: where its form does not say it, ids that each have one row, beside no time, are names of rows; and rows that
    share a value of a column called like an id, beside a column of times or steps, are the steps of one case, which is
    told in a warning.

    Args:
        table: As `as_panel` gives it.
        label: Its label column.

    Raises:
        DataError: If several columns could be the id, or the columns look like the steps of a case per row.
    """
    panel, form = table.panel, table.form
    if form.table is not None or (panel is not None and panel.column is None):
        return table
    if panel is not None:
        if table.time is not None or len(panel.names) < len(table.frame):
            return table
        frame = table.frame.copy(deep=False)
        frame.insert(0, panel.column, [panel.names[place] for place in panel.series_of])
        return replace(table, frame=frame, panel=None, form=replace(form, id_column=panel.column))
    frame = table.frame
    ids = [name for name in repeated_ids(frame) if name != label]
    if not ids or (form.time_column is None and time_of_rows(frame) is None):
        return table
    if ids[1:]:
        raise which_id(table, ids)
    if seems_wide(frame):
        raise DataError(
            f"{table.source}: column {ids[0]!r} repeats, and other columns are numbered like time steps; pass "
            "table='long' if rows are the steps of cases, table='cases' if each row is a case"
        )
    warnings.warn(
        f"{table.source}: rows with the same {ids[0]!r} are taken as the steps of one case; pass table='long' if that "
        "is right, table='cases' if each row is a case",
        DataWarning,
        stacklevel=4,
    )
    return _by_column(table, ids[0])


def table_of_frames(items: Sequence[pd.DataFrame | pd.Series], *, ids: Sequence[Any] | None, source: str) -> Table:
    """Return frames, a series each with time in the rows, as one table; columns are matched by name.

    Args:
        items: Frames, or Series of one variate; Series of different names are series by these names, and frames with
            an id each, such as the groups of a panel, by these ids.
        ids: What the series are called; None where they are numbered.
        source: What messages call the whole.

    Raises:
        DataError: If one has no rows, other columns than the first, or times where another has none.
    """
    series_names = [item.name for item in items if isinstance(item, pd.Series)]
    one_name = len(set(series_names)) == 1 and not (ids is None and len(items) == 1)
    if ids is None and not one_name and None not in series_names and len(set(series_names)) == len(items):
        ids = series_names
    column = series_names[0] if one_name and series_names[0] is not None else "value"
    tables = []
    for place, item in enumerate(items):
        where = f"{source}, item {place if ids is None else repr(str(ids[place]))}"
        frame = item.to_frame(name=column) if isinstance(item, pd.Series) else item
        tables.append(_one_series(named_table(frame, source=where)))
    first = tables[0]
    for table in tables:
        same = table.frame.columns.equals(first.frame.columns) and table.time == first.time
        strange = [] if same else sorted(set(table.frame.columns) ^ set(first.frame.columns))
        if strange:
            raise DataError(f"{table.source}: all must have the same columns and times; {strange} is not in all")
    if ids is None and all(table.panel is not None and table.panel.has_ids for table in tables):
        ids = [table.panel.names[0] for table in tables if table.panel is not None]
    names = _numbered(len(tables)) if ids is None else tuple(map(str, ids))
    if len(set(names)) < len(names):
        raise DataError(f"{source}: two of its ids are the same as text")
    panel = Panel(names, np.repeat(np.arange(len(names)), [len(table.frame) for table in tables]), ids is not None)
    has_names = first.has_names and (not series_names or one_name)
    frame = pd.concat([table.frame for table in tables], ignore_index=True)
    return Table(source, frame, panel=panel, time=first.time, has_names=has_names)


def _one_series(table: Table) -> Table:
    """Return a table of one series, whose id it may have, with the times of its index in a column."""
    table = as_panel(table)
    if not len(table.frame) or (table.panel is not None and len(table.panel.names) > 1):
        raise DataError(f"{table.source}: each must be a frame of one series with time in the rows")
    times = _times_of(table.frame.index)
    return table if times is None else _with_time(table, pd.Series(times), name=None)


def _numbered(n_series: int) -> tuple[str, ...]:
    return tuple(f"series {number}" for number in range(n_series))


def named_table(frame: pd.DataFrame, *, source: str) -> Table:
    """Return a frame as a table; its columns bear names of their own where they are text, as scikit-learn counts it.

    Raises:
        DataError: If a name occurs twice.
    """
    frame = frame.copy(deep=False)
    has_names = all(isinstance(name, str) for name in frame.columns)
    frame.columns = pd.Index([str(name) for name in frame.columns], dtype=object)
    if frame.columns.has_duplicates:
        raise DataError(f"{source}: a column name occurs more than once")
    return Table(source, frame, has_names=has_names)


def frames_of_entries(entries: Sequence[Mapping[str, Any]]) -> tuple[list[pd.DataFrame], list[str] | None]:
    """Return GluonTS entries (`target`, `start`, `item_id`) as frames, with ids where all have them.

    Raises:
        DataError: If an entry has no target, or one of more than two axes.
    """
    frames = []
    for place, entry in enumerate(entries):
        target = None if "target" not in entry else np.asarray(unwrapped(entry["target"]))
        if target is None or target.ndim not in (1, 2):
            raise DataError(
                f"list of dicts, item {place}: each must have a 'target' of shape (time) or (variates, time); "
                "of several series by name pass one dict of them"
            )
        names = ["target"] if target.ndim == 1 else [f"target_{i}" for i in range(len(target))]
        start = entry.get("start")
        times = pd.period_range(start, periods=target.shape[-1]) if isinstance(start, pd.Period) else None
        frames.append(pd.DataFrame(np.atleast_2d(target).T, columns=names, index=times))
    ids = [str(entry["item_id"]) for entry in entries if "item_id" in entry]
    return frames, ids if len(ids) == len(frames) else None


def _index_as_column(frame: pd.DataFrame, *, source: str) -> pd.DataFrame:
    if frame.index.name in frame.columns:
        raise DataError(f"{source}: {frame.index.name!r} is both a column and the index")
    return frame.reset_index()


def _by_levels(table: Table) -> Table:
    index = table.frame.index
    names = ", ".join(map(str, index.names))
    if index.nlevels != 2:
        raise DataError(
            f"{table.source}: a panel has two index levels, ids and times; got {index.nlevels} ({names}); join the "
            "levels of ids into one"
        )
    id_level = int(str(index.names[1]).lower() in ID_NAMES)  # the first, unless the second is called so
    ids, times = (index.get_level_values(level) for level in (id_level, 1 - id_level))
    if _times_of(ids) is not None and _times_of(times) is None:
        raise DataError(
            f"{table.source}: the first index level must hold ids and the second times, got {names}; "
            "pass frame.swaplevel().sort_index()"
        )
    rows = table.frame.reset_index(drop=True)
    told = replace(table, frame=rows, panel=_panel(pd.Series(ids), table=table, what="the index level of ids"))
    name = None if times.name is None else str(times.name)
    return _with_time(told, pd.Series(times if _times_of(times) is None else _times_of(times)), name=name)


def _by_column(table: Table, name: str) -> Table:
    panel = _panel(table.frame[name].reset_index(drop=True), table=table, what=f"column {name!r}", column=name)
    told = replace(table, frame=table.frame.drop(columns=name), panel=panel)
    times = _times_of(told.frame.index)
    if times is not None:
        return _with_time(replace(told, frame=told.frame.reset_index(drop=True)), pd.Series(times), name=None)
    return replace(told, time=time_of_rows(told.frame))


def _panel(keys: pd.Series, *, table: Table, what: str, column: str | None = None) -> Panel:
    table.refuse(keys.isna(), what=what, values=keys.array, rule="the value is missing")
    if pd.api.types.is_float_dtype(keys) and bool((keys % 1 == 0).all()):
        keys = keys.astype(np.int64)  # what other libraries make of whole numbers
    numbers, names = pd.factorize(keys.astype(object).map(str))
    return Panel(tuple(names), np.asarray(numbers, dtype=np.intp), column=column)


def _with_time(table: Table, times: pd.Series, *, name: str | None) -> Table:
    """Return a table whose first column holds the times."""
    name = name or "time"
    while name in table.frame.columns:
        name += "_"
    frame = table.frame.copy(deep=False)
    frame.insert(0, name, times.array)
    return replace(table, frame=frame, time=name)


def _times_of(index: pd.Index) -> pd.DatetimeIndex | None:
    """Return an index as times, periods as their beginnings; None where it is no index of time."""
    if isinstance(index, pd.PeriodIndex):
        return index.to_timestamp()
    return index if isinstance(index, pd.DatetimeIndex) else None


def _refuse_kinds(table: Table) -> None:
    """Refuse a table with a single value per row, of the variate that another column names."""
    names = {str(name).lower(): str(name) for name in table.frame.columns}
    kind = next((names[known] for known in _KINDS if known in names), None)
    rest = [name for known, name in names.items() if known in (TIME_NAMES | IDS_OF_ROWS)]
    if kind is not None and "value" in names and rest:
        raise DataError(
            f"{table.source}: each row holds one value, whose variate stands in column {kind!r}; a panel has a "
            f"row per id and time and a column per variate: pass "
            f"frame.pivot(index={rest}, columns={kind!r}, values={names['value']!r})"
        )


def _is_nested(column: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(column) or not len(column):
        return False
    filled = np.flatnonzero(column.notna())
    return bool(filled.size) and is_cell(column.iloc[filled[0]])


def _unnested(table: Table, nested: Sequence[str]) -> Table:
    """Return cells that are series one below the other; what is said once of a row stands beside each of its steps."""
    frame = table.frame
    cells = {name: [unwrapped(cell) for cell in frame[name]] for name in nested}
    for row in range(len(frame)):
        lengths = {name: len(cells[name][row]) if is_cell(cells[name][row]) else 0 for name in nested}
        if len(set(lengths.values())) > 1 or not lengths[nested[0]]:
            words = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise DataError(
                f"{table.source}: {table.where(row)}: its cells must be series of one length, got {words} steps"
            )
    counts = [len(cell) for cell in cells[nested[0]]]
    columns = {
        name: np.concatenate([np.asarray(cell) for cell in cells[name]])
        if name in cells
        else frame[name].repeat(counts).array
        for name in frame.columns
    }
    has_ids = not pd.api.types.is_integer_dtype(frame.index) and frame.index.map(str).is_unique
    names = tuple(map(str, frame.index)) if has_ids else _numbered(len(frame))
    panel = Panel(names, np.repeat(np.arange(len(names)), counts), has_ids)
    long = replace(table, frame=pd.DataFrame(columns), lines=None, panel=panel)
    times = [_times_of(cell.index) if isinstance(cell, pd.Series) else None for cell in cells[nested[0]]]
    if any(time is None for time in times):
        return long
    return _with_time(long, pd.concat([pd.Series(time) for time in times], ignore_index=True), name=None)
