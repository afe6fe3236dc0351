"""CSV text to a table; rows of unequal width, doubled names and other separators are refused."""

import csv
import io
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.columns.ids import ID_NAMES, is_id_name
from downstream.data.columns.labels import LABEL
from downstream.data.files.heading import column_names, count_unit_rows
from downstream.data.files.opening import read_text
from downstream.data.options import PLAIN, SEPARATORS, TableForm
from downstream.data.raw import Table
from downstream.data.time_columns import TIME_NAMES
from downstream.errors import DataError, DataWarning

_BLANK = " \t\n"  # a line of nothing else is no row; pandas skips the same lines
_REMARK = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_PADDED = re.compile(r"0[0-9]+")
_UNNAMED = re.compile(r"(unnamed: \d+)?", re.IGNORECASE)
_MOST_FIRST_ROWS, _MOST_FIRST_CELLS = 20, 20_000


class _Rows(NamedTuple):
    """The first rows as cells, and of every row the number of cells and the line it ends in."""

    first: list[list[str]]
    widths: NDArray[np.int64]
    lines: NDArray[np.int64]


def read_csv_table(path: Path, form: TableForm = PLAIN) -> Table:
    """Read a text file of cells; empty cells are missing, ids and labels stay as they are written.

    Lines that begin with `#` are remarks, rows of units below the names are left out with a warning, and so are columns
    without a name and without a value, such as a separator at the end of each line makes.

    Raises:
        DataError: If it cannot be opened, has no names or no rows, uses another separator, repeats a column name, or a
            row is wider or narrower than the others.
    """
    source = path.name
    text, remarks = _without_remarks(read_text(path).replace("\r\n", "\n").replace("\r", "\n"))
    rows = _rows(text, separator=form.separator, source=source)
    _check_separator(text, rows, form=form, source=source)
    like_rows = [line for line in remarks if line.count(form.separator) + 1 == rows.widths[-1] > 1]
    if like_rows:
        more = f" and {len(like_rows) - 1} more" if like_rows[1:] else ""
        _warn(f"{source}: left out as a remark though it has the cells of a row: {like_rows[0]}{more}")
    n_above, names = 0, [f"column_{place}" for place in range(len(rows.first[0]))]
    if not form.no_header:
        n_above = 1 + count_unit_rows(rows.first[1:], form=form)
        names = column_names(rows.first[0], rows.first[n_above:], form=form, source=source)
    if len(rows.lines) == n_above:
        raise DataError(f"{source}: there is a header but no row below it")
    for row in range(1, n_above):
        words = ", ".join(cell for cell in rows.first[row] if cell.strip())
        _warn(f"{source}: line {rows.lines[row]} says units or the like, no values ({words}): left out")
    widths, lines = rows.widths[n_above:], rows.lines[n_above:]
    all_names = _of_width(names, int(widths[0])) if (widths == widths[0]).all() else names
    _check_width(widths != len(all_names), widths, lines, names=names, source=source)
    as_written = _as_written(all_names, rows.first[n_above:], form=form)
    below = int(rows.lines[n_above - 1]) if n_above else 0
    frame = _values(text, len(all_names), below=below, as_written=as_written, form=form, source=source)
    if len(frame) != len(lines):
        raise DataError(f"{source}: not readable as CSV (its quotes do not close where its lines end)")
    extra = frame.iloc[:, len(names) :].notna().any(axis=1).to_numpy()
    _check_width(extra, widths, lines, names=names, source=source)
    empty = [name for name in all_names if _UNNAMED.fullmatch(name)] + all_names[-1:] * form.no_header
    filled = [name not in empty or bool(frame[place].notna().any()) for place, name in enumerate(all_names)]
    frame = frame if all(filled) else frame.loc[:, filled]
    frame.columns = pd.Index([name for name, has_values in zip(all_names, filled, strict=True) if has_values])
    if frame.columns.has_duplicates:
        doubled = str(frame.columns[frame.columns.duplicated(keep=False)][0])
        raise DataError(f"{source}: column name {doubled!r} occurs more than once")
    return Table(source, frame, lines, form=form)


def _warn(sentence: str) -> None:
    warnings.warn(sentence, DataWarning, stacklevel=4)


def _check_width(
    wrong: NDArray[np.bool_], widths: NDArray[np.int64], lines: NDArray[np.int64], *, names: Sequence[str], source: str
) -> None:
    """Refuse the first row that is wider or narrower than the names say."""
    places = np.flatnonzero(wrong)
    if places.size:
        row = int(places[0])
        raise DataError(f"{source}: line {lines[row]} has {widths[row]} cells, the header has {len(names)}")


def _without_remarks(text: str) -> tuple[str, list[str]]:
    """Return text in which lines that begin with `#`, outside of quotes, are blank; and those lines."""
    remarks: list[str] = []
    place, n_quotes = 0, 0

    def blank(found: re.Match[str]) -> str:
        nonlocal place, n_quotes
        n_quotes += text.count('"', place, found.start())
        place = found.end()
        if n_quotes % 2:  # a line of a quoted cell
            n_quotes += found[0].count('"')
            return found[0]
        remarks.append(found[0].strip())
        return ""

    return (_REMARK.sub(blank, text) if "#" in text else text), remarks


def _rows(text: str, *, separator: str, source: str) -> _Rows:
    """Return what the rows are; blank lines are none."""
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    rows = (row for row in reader if row and (len(row) > 1 or row[0].strip(_BLANK)))
    first: list[list[str]] = []
    counts: list[int] = []
    try:
        for row in rows:
            first.append(row)
            counts += (len(row), reader.line_num)
            if len(first) > _MOST_FIRST_ROWS or (len(first) > 2 and len(first) * len(row) > _MOST_FIRST_CELLS):
                break
        rest = np.fromiter((number for row in rows for number in (len(row), reader.line_num)), dtype=np.int64)
    except csv.Error as error:
        raise DataError(f"{source}: line {reader.line_num} is not readable as CSV ({error})") from error
    if not first:
        raise DataError(f"{source}: the file is empty")
    table = np.concatenate([np.asarray(counts, dtype=np.int64), rest]).reshape(-1, 2)
    return _Rows(first, table[:, 0], table[:, 1])


def _check_separator(text: str, rows: _Rows, *, form: TableForm, source: str) -> None:
    """Refuse text whose first lines have one cell or unequal numbers of them, where another separator makes sense."""
    widths = {len(row) for row in rows.first}
    if len(widths) == 1 and widths != {1}:
        return
    head = [line for line in text[: 1 << 16].split("\n")[:_MOST_FIRST_ROWS] if line.strip()][: len(rows.first)]
    if len(head) > 2:
        head.pop()  # it may be cut off
    for mark, word in SEPARATORS.items():
        cells = [row for row in csv.reader(head, delimiter=mark) if row]
        if mark != form.separator and len({len(row) for row in cells}) == 1 and len(cells[0]) > 1:
            commas = (
                mark != ","
                and form.decimal == "."
                and any(re.fullmatch(r"\s*[-+]?\d+,\d+\s*", cell) for row in cells[1:] for cell in row)
            )
            raise DataError(
                f"{source}: the cells are separated by {word}; pass separator={mark!r}"
                + (" and decimal=','" if commas else "")
            )
    if widths == {1} and len({len(line.split()) for line in head}) == 1 and len(head[0].split()) > 1 and len(head) > 1:
        raise DataError(f"{source}: the cells are separated by spaces; save the file with commas")


def _of_width(names: Sequence[str], width: int) -> list[str]:
    """Return names for so many columns: separators at the end of lines may make columns without a name."""
    missing = width - len(names)
    if missing < 0 and not any(names[width:]):
        return list(names[:width])
    return [*names, *[""] * max(missing, 0)]


def _values(
    text: str, width: int, *, below: int, as_written: dict[int, Callable[[str], Any]], form: TableForm, source: str
) -> pd.DataFrame:
    """Return the rows below a line, columns called 0, 1, ..."""
    start = 0
    for _ in range(below):
        start = text.index("\n", start) + 1
    buffer = io.StringIO(text)
    buffer.seek(start)
    try:
        return pd.read_csv(
            buffer,
            header=None,
            names=range(width),
            index_col=False,
            sep=form.separator,
            decimal=form.decimal,
            float_precision="round_trip",
            low_memory=False,
            converters=as_written,
        )
    except (ValueError, pd.errors.ParserError, OverflowError) as error:
        raise DataError(f"{source}: not readable as CSV ({str(error).strip()})") from error


def _as_written(
    names: Sequence[str], first: Sequence[Sequence[str]], *, form: TableForm
) -> dict[int, Callable[[str], Any]]:
    """Return what keeps ids, labels and dates of a given format as texts (`007`, `NA`), by their place."""
    times = {form.time_column, *TIME_NAMES} if form.date_format is not None else set()
    return {
        place: _text
        for place, name in enumerate(names)
        if name in (form.label_column or LABEL, form.id_column)
        or name.lower() in ID_NAMES
        or {name, name.lower()} & times
        or (is_id_name(name) and any(_PADDED.fullmatch(row[place].strip()) for row in first if place < len(row)))
    }


def _text(text: str) -> str | None:
    """Return a cell as it is written; None for an empty one."""
    return text.strip() or None
