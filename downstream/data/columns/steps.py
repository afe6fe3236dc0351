"""Which columns of a table with a case per row are time steps, and which name the rows."""

import re
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from downstream.data.raw import Table
from downstream.data.time_columns import INDEX_NAMES
from downstream.errors import DataError, DataWarning

_ID_NAMES = frozenset(
    {
        *("id", "ids", "uid", "uuid", "guid", "key", "caseid", "case", "sample", "sampleid", "seriesid", "series"),
        *("instance", "instanceid", "rowid", "row", "rownumber", "recordid", "record", "uniqueid", "itemid"),
        *("name", "filename", "file"),
    }
)


def step_columns(table: Table, *, label: str | None) -> tuple[str, ...]:
    """Return the columns that are time steps, in their order.

    Rule: every column but the label column, a first column that is an index (without a name, or called `index`), and
    columns called like an id (`id`, `case_id`, `sample`, `uid`, ...), both only where they hold whole numbers or texts.
    What is left out is told in a warning.

    Raises:
        DataError: If an id repeats, so that a row is no case.
    """
    names = tuple(str(name) for name in table.frame.columns)
    left_out = []
    for place, name in enumerate(names):
        is_index = place == 0 and name.lower() in INDEX_NAMES
        is_id = re.sub(r"[^a-z]", "", name.lower()) in _ID_NAMES and not name[-1:].isdigit()
        if name == label or not (is_index or is_id) or not _names_rows(table.frame[name]):
            continue
        if is_id:
            column = table.frame[name].reset_index(drop=True)
            rule = "{} repeats; a table of cases has one row per case, and this column would be no time step: remove it"
            table.refuse(column.duplicated(), what=f"column {name!r}", values=column.array, rule=rule)
        left_out.append(name)
    steps = tuple(name for name in names if name != label and name not in left_out)
    if not steps:
        beside = f" beside the label column {label!r}" if label in names else ""
        raise DataError(f"{table.source}: there is no column with values{beside}")
    if left_out:
        warnings.warn(f"{table.source}: {_said(left_out)} no time step: left out", DataWarning, stacklevel=4)
    return steps


def _names_rows(column: pd.Series) -> bool:
    """Whether a column holds whole numbers or texts, none of them missing."""
    if column.isna().any():
        return False
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_complex_dtype(column):
        return False
    if pd.api.types.is_numeric_dtype(column):
        return bool((np.mod(column.to_numpy(dtype=np.float64), 1) == 0).all())
    return pd.api.types.infer_dtype(column) in ("string", "categorical")


def _said(names: Sequence[str]) -> str:
    listed = ", ".join(map(repr, names))
    return f"column {listed} names the rows and is" if len(names) == 1 else f"columns {listed} name the rows and are"
