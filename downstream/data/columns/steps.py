"""Which columns of a table with a case per row are time steps, and which name the rows."""

import re
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from downstream.data.columns.ids import is_id_name, names_rows
from downstream.data.raw import Table
from downstream.data.time_columns import INDEX_NAMES
from downstream.errors import DataError, DataWarning

_NUMBERED = re.compile(r"(.*?)([0-9]{1,18})")


class CaseColumns(NamedTuple):
    """The columns that are time steps, in the order of time, and the one that names the cases."""

    steps: tuple[str, ...]
    ids: str | None


def case_columns(table: Table, *, label: str) -> CaseColumns:
    """Return what the columns of a table with a case per row are.

    Rule: every column is a time step but the label column, a first column that is an index (without a name, or called
    `index`), and columns called like an id (`id`, `case_id`, `sample`, `uid`, ...), both only where they hold whole
    numbers or texts; the first of the latter, or the one that the form of the table names, names the cases. What is
    left out is told in a warning. Columns stand in the order of time; of `t0`, `t1`, ..., which may stand in any other,
    the numbers say it.

    Raises:
        DataError: If an id repeats, so that a row is no case.
    """
    names = tuple(str(name) for name in table.frame.columns)
    wanted, left_out, ids = table.form.id_column, [], []
    for place, name in enumerate(names):
        if name == label:
            continue
        if name == wanted or (is_id_name(name) and names_rows(table.frame[name])):
            left_out.append(name)
            is_key = table.form.table != "cases" or not table.frame[name].duplicated().any()
            if name == wanted or (wanted is None and is_key):
                _check_differ(table, name)
                ids.append(name)
        elif place == 0 and name.lower() in INDEX_NAMES and names_rows(table.frame[name]):
            left_out.append(name)
    steps = tuple(name for name in names if name != label and name not in left_out)
    if not steps:
        beside = f" beside the label column {label!r}" if label in names else ""
        raise DataError(f"{table.source}: there is no column with values{beside}")
    if left_out and left_out != [wanted]:
        warnings.warn(f"{table.source}: {_said(left_out)} no time step", DataWarning, stacklevel=4)
    return CaseColumns(_in_order(steps, source=table.source), wanted or next(iter(ids), None))


def _check_differ(table: Table, name: str) -> None:
    column = table.frame[name].reset_index(drop=True)
    rule = (
        "{} repeats; a table of cases has one row per case, and this column would be no time step: remove it, or pass "
        "table='long' if rows with the same id are the steps of a case"
    )
    table.refuse(column.isna(), what=f"column {name!r}", values=column.array, rule="the id is missing")
    table.refuse(column.duplicated(), what=f"column {name!r}", values=column.array, rule=rule)


def _in_order(steps: tuple[str, ...], *, source: str) -> tuple[str, ...]:
    """Return steps in the order of their numbers, where they have one name, and these do not descend."""
    found = [_NUMBERED.fullmatch(name) for name in steps]
    if not all(found) or len({one[1] for one in found if one}) > 1:
        return steps
    numbers = [int(one[2]) for one in found if one]
    rises = [after > before for before, after in pairwise(numbers)]
    if all(rises) or not any(rises) or len(set(numbers)) < len(numbers):
        return steps
    place = rises.index(False) + 1
    warnings.warn(
        f"{source}: column {steps[place]!r} stands behind {steps[place - 1]!r}; time steps are taken in the order of "
        "their numbers",
        DataWarning,
        stacklevel=5,
    )
    return tuple(steps[number] for number in np.argsort(numbers, kind="stable"))


def _said(names: Sequence[str]) -> str:
    listed = ", ".join(map(repr, names))
    return f"column {listed} names the rows and is" if len(names) == 1 else f"columns {listed} name the rows and are"
