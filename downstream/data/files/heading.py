"""What the first rows of a text table are: names, units below them, or data already."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

from downstream.data.columns.dates import looks_like_time
from downstream.data.columns.ids import ID_NAMES
from downstream.data.columns.labels import LABEL
from downstream.data.columns.values import is_gap
from downstream.data.options import TableForm
from downstream.data.time_columns import TIME_NAMES
from downstream.errors import DataError

Row = Sequence[str]
_Sort = Literal["number", "time", "gap", "text"]
_MOST_UNIT_ROWS = 3
_FEWEST_NUMBERS = 5  # a row of fewer, with nothing but numbers, may well be data that happens to count
_ORDERED = ("number", "time")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?inf(inity)?", re.IGNORECASE)
_KNOWN = frozenset({*TIME_NAMES, *ID_NAMES, "split"}) - {""}


def column_names(first: Row, rows: Sequence[Row], *, form: TableForm, source: str) -> list[str]:
    """Return the names that the first row gives to the columns.

    Rule: a row is names where a cell of it is a word above numbers or times, or a name that this software knows. A row
    whose cells are of the sort of those below is data, unless its numbers count steps (`0,1,2,...`, years) and those of
    the next row do not.

    Args:
        first: The first row.
        rows: Some of those below it.
        form: How the table is written.
        source: Name of the file.

    Raises:
        DataError: If it is data.
    """
    names = [name.strip() for name in first]
    if not first_is_data(names, rows, form=form):
        return names
    what = "it holds numbers" if all(_sort(name, form) == "number" for name in names) else "it reads like data"
    raise DataError(
        f"{source}: the first line must name the columns, {what}: {','.join(names[:4])}; pass no_header=True if it "
        "is data"
    )


def first_is_data(names: Row, rows: Sequence[Row], *, form: TableForm) -> bool:
    """Whether the first row is data by the rule of `column_names`."""
    sorts = [_sort(name, form) for name in names]
    below = [_common_sort((row[place] for row in rows if place < len(row)), form) for place in range(len(names))]
    known = _KNOWN | {form.label_column or LABEL, form.time_column, form.id_column}
    places = [place for place, sort in enumerate(sorts) if sort == "number"]
    only_numbers = len(places) == len(names)
    if not only_numbers:
        if any(sort not in ("gap", other) for sort, other in zip(sorts, below, strict=True) if other in _ORDERED):
            return False
        if any(name in known or name.lower() in known for name in names):
            return False
        if not any(sort == other for sort, other in zip(sorts, below, strict=True) if other in _ORDERED):
            return False
    times = any(sort == other == "time" for sort, other in zip(sorts, below, strict=True))
    enough = not times and (not only_numbers or len(names) >= _FEWEST_NUMBERS)
    return not (enough and _counts(names, places) and not (rows and _counts(rows[0], places)))


def count_unit_rows(rows: Sequence[Row], *, form: TableForm) -> int:
    """Return how many of the first rows say units or the like (`degC`, `m/s`): words where all below are numbers.

    Args:
        rows: Those below the names.
        form: How the table is written.
    """
    for n_units in range(min(_MOST_UNIT_ROWS, len(rows) - 1), 0, -1):
        below = [
            _common_sort((row[place] for row in rows[n_units:] if place < len(row)), form) for place in _places(rows)
        ]
        above = [
            [_sort(row[place], form) for place in _places(rows) if below[place] in _ORDERED] for row in rows[:n_units]
        ]
        if all("text" in sorts and set(sorts) <= {"text", "gap"} for sorts in above):
            return n_units
    return 0


def _places(rows: Sequence[Row]) -> range:
    return range(min(map(len, rows)))


def _sort(cell: str, form: TableForm) -> _Sort:
    text = cell.strip()
    if is_gap(text):
        return "gap"
    if _NUMBER.fullmatch(text.replace(",", ".") if form.decimal == "," else text):
        return "number"
    return "time" if looks_like_time(text) else "text"


def _common_sort(cells: Iterable[str], form: TableForm) -> _Sort | None:
    """Return the sort of all cells that are no gap, None where they have none in common."""
    sorts = {sort for cell in cells if (sort := _sort(cell, form)) != "gap"}
    return sorts.pop() if len(sorts) == 1 else None


def _counts(row: Row, places: Sequence[int]) -> bool:
    """Whether the numbers of a row count: years in order, three or more that follow each other, four in equal steps."""
    cells = [row[place].strip().replace(",", ".") for place in places if place < len(row)]
    if len(cells) < max(2, len(places)) or not all(map(_NUMBER.fullmatch, cells)):
        return False
    numbers = list(map(float, cells))
    steps = [after - before for before, after in pairwise(numbers)]
    if min(steps) <= 0:
        return False
    if all(number % 1 == 0 and 1700 <= number <= 2200 for number in numbers):
        return True
    equal = max(steps) - min(steps) <= 1e-9 * max(map(abs, numbers))
    return equal and len(numbers) >= (3 if steps[0] == 1 else 4)
