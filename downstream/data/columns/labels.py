"""The label of rows in anomaly detection: which column holds it, and what it says."""

import re
import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.columns.values import numbers_of
from downstream.data.options import LoadOptions
from downstream.data.raw import Table
from downstream.errors import DataError, DataWarning
from search_space.registry import unknown_name

LABEL = "label"
_ALSO = frozenset(
    {
        *("labels", "anomaly", "anomalies", "anomalous", "outlier", "outliers", "attack", "attacks"),
        *("anomalylabel", "outlierlabel", "attacklabel", "labelanomaly", "groundtruth", "normalattack"),
    }
)
_TRUTH = {"true": 1.0, "false": 0.0}


def label_column(table: Table, *, options: LoadOptions) -> str | None:
    """Return the column with the anomaly label, or None where there is none.

    Rule: the wanted one, else `label`, else the one column with 0 and 1 or truth values that is called like a label
    (`is_anomaly`, `outlier`, `attack`, ...) and is not wanted as a variate; that is told in a warning.

    Raises:
        DataError: If the wanted column does not exist, or several columns, or one with other values, are called so.
    """
    columns = tuple(str(name) for name in table.frame.columns)
    if options.label_column is not None:
        if options.label_column not in columns:
            raise DataError(f"{table.source}: {unknown_name('column', options.label_column, columns)}")
        return options.label_column
    if LABEL in columns:
        return LABEL
    asked = (*(options.variates or ()), *(options.target or ()))
    called_so = [name for name in columns if _plain(name) in _ALSO and name not in asked]
    if not called_so:
        return None
    name = called_so[0]
    if len(called_so) > 1 or np.isnan(_zeros_and_ones(table.frame[name])).any():
        raise DataError(
            f"{table.source}: {', '.join(map(repr, called_so))} may hold the anomaly label (0 or 1); pass "
            "label_column=..., or variates=[...] with the columns that are measured"
        )
    warnings.warn(f"{table.source}: column {name!r} is taken as the anomaly label", DataWarning, stacklevel=4)
    return name


def read_labels(column: pd.Series, *, table: Table) -> NDArray[np.int8]:
    """Return anomaly labels, int8 (rows,); truth values and texts that say 0, 1, true or false are labels too.

    Raises:
        DataError: If one is neither 0 nor 1; names the first row.
    """
    numbers = _zeros_and_ones(column)
    rule = "labels are 0 (normal) or 1 (anomaly), got {}"
    table.refuse(np.isnan(numbers), what=f"column {column.name!r}", values=column.array, rule=rule)
    return numbers.astype(np.int8)


def _zeros_and_ones(column: pd.Series) -> NDArray[np.float64]:
    """Return labels as 0 and 1, NaN where one is neither."""
    values = column.to_numpy(dtype=object)
    numbers = numbers_of([_TRUTH.get(v.strip().lower(), v) if isinstance(v, str) else v for v in values])
    return np.where((numbers == 0) | (numbers == 1), numbers, np.nan)


def _plain(name: str) -> str:
    """Return a name without case, marks and a leading `is`."""
    return re.sub(r"[^a-z]", "", name.lower()).removeprefix("is")
