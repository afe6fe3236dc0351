"""Which column of a table says what series or case a row belongs to, and which when it was."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from downstream.data.columns.values import numbers_of
from downstream.data.raw import Table
from downstream.errors import DataError
from search_space.registry import unknown_name

ID_NAMES = ("unique_id", "item_id")
_ID_BESIDE_TIME = ("id", "series_id")  # names of ids only where a time stands beside them and they repeat
IDS_OF_ROWS = frozenset({*ID_NAMES, *_ID_BESIDE_TIME, "case_id", "reading_id", "column_id"})
_LONG_TIMES = ("ds", "timestamp", "time", "date", "datetime", "step", "timestep", "time_step", "t")
_FEWEST_STEPS = 5
_NAMES_OF_IDS = frozenset(
    {
        *("id", "ids", "uid", "uuid", "guid", "key", "caseid", "case", "sample", "sampleid", "seriesid", "series"),
        *("instance", "instanceid", "rowid", "row", "rownumber", "recordid", "record", "uniqueid", "itemid"),
        *("name", "filename", "file"),
    }
)


def id_column(table: Table, *, has_times: bool) -> str | None:
    """Return the column whose values tell the series of a table apart; None where it holds one series, or cases.

    Args:
        table: The table; its form may name the column, or say what its rows are.
        has_times: Whether its index holds times.

    Raises:
        DataError: If there is no such column, or a long table has none that is called so, or several.
    """
    frame, form = table.frame, table.form
    if form.id_column is not None and form.id_column not in frame.columns:
        raise DataError(f"{table.source}: {unknown_name('column', form.id_column, tuple(frame.columns))}")
    if form.table in ("cases", "steps") or form.id_column is not None:
        return None if form.table == "cases" else form.id_column
    names = {str(name).lower(): str(name) for name in frame.columns}
    for known in ID_NAMES:
        if known in names:
            return names[known]
    has_times = has_times or time_of_rows(frame) is not None
    for known in _ID_BESIDE_TIME:
        if known in names and has_times and frame[names[known]].duplicated().any():
            return names[known]
    if form.table != "long":
        return None
    ids = repeated_ids(frame)
    if len(ids) != 1:
        raise which_id(table, ids or tuple(map(str, frame.columns[:8])))
    return ids[0]


def which_id(table: Table, names: Sequence[str]) -> DataError:
    """Return the question which of some columns is the id."""
    return DataError(
        f"{table.source}: which column says what series or case a row belongs to? pass id_column=... "
        f"({', '.join(names)})"
    )


def time_of_rows(frame: pd.DataFrame) -> str | None:
    """Return the column of the times or steps of a long table, by its name."""
    return next((str(column) for known in _LONG_TIMES for column in frame if str(column).lower() == known), None)


def repeated_ids(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns that are called like an id and say the same of several rows."""
    names = [str(name) for name in frame.columns if is_id_name(str(name))]
    return tuple(name for name in names if names_rows(frame[name]) and frame[name].duplicated().any())


def seems_wide(frame: pd.DataFrame) -> bool:
    """Whether many columns are numbered (`t0`, `t1`, ...), as the steps of a case per row are."""
    counts = Counter(name.rstrip("0123456789") for name in map(str, frame.columns) if name[-1:].isdigit())
    return max(counts.values(), default=0) >= _FEWEST_STEPS


def is_id_name(name: str) -> bool:
    """Whether a column is called like an id: `id`, `case_id`, `sample`, `uid`, ..."""
    return re.sub(r"[^a-z]", "", name.lower()) in _NAMES_OF_IDS and not name[-1:].isdigit()


def names_rows(column: pd.Series) -> bool:
    """Whether a column holds whole numbers or texts, none of them missing."""
    if column.isna().any():
        return False
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_complex_dtype(column):
        return False
    if pd.api.types.is_numeric_dtype(column):
        return bool((np.mod(column.to_numpy(dtype=np.float64), 1) == 0).all())
    if pd.api.types.infer_dtype(column) not in ("string", "categorical"):
        return False
    numbers = numbers_of(column.to_numpy(dtype=object))
    return not bool((np.isfinite(numbers) & (np.mod(numbers, 1) != 0)).any())


def row_names(column: pd.Series) -> tuple[str, ...]:
    """Return ids as text, whole numbers without a point."""
    whole = pd.api.types.is_float_dtype(column) and bool((column % 1 == 0).all())
    return tuple(map(str, (column.astype(np.int64) if whole else column).tolist()))
