"""CSV text to a table; rows of unequal width, doubled names and wrong delimiters are refused."""

import csv
import io
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from downstream.data.files.opening import read_text
from downstream.data.panels import ID_NAMES
from downstream.data.raw import Table
from downstream.errors import DataError

_BLANK = " \t\n"  # a line of nothing else is no row; pandas skips the same lines


def read_csv_table(path: Path) -> Table:
    """Read a comma-separated file with a header row; empty cells are missing.

    Raises:
        DataError: If it cannot be opened, has no header or no rows, uses another
            delimiter, repeats a column name, or a row is wider or narrower than the header.
    """
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    header, widths, lines = _rows(text, source=path.name)
    _check_header(header, source=path.name)
    wrong = np.flatnonzero(widths[1:] != widths[0])
    if wrong.size:
        row = int(wrong[0]) + 1
        raise DataError(f"{path.name}: line {lines[row]} has {widths[row]} cells, the header has {widths[0]}")
    if len(widths) == 1:
        raise DataError(f"{path.name}: there is a header but no row below it")
    try:
        ids = {place: _id_text for place, name in enumerate(header) if name.strip().lower() in ID_NAMES}
        frame = pd.read_csv(
            io.StringIO(text), float_precision="round_trip", low_memory=False, index_col=False, converters=ids
        )
    except (ValueError, pd.errors.ParserError, OverflowError) as error:
        raise DataError(f"{path.name}: not readable as CSV ({str(error).strip()})") from error
    if len(frame) != len(lines) - 1:
        raise DataError(f"{path.name}: not readable as CSV (its quotes do not close where its lines end)")
    frame.columns = pd.Index([name.strip() for name in header])
    return Table(path.name, frame, lines[1:])


def _id_text(text: str) -> str | None:
    """Return an id as it is written (`007`, `NA`); None for an empty cell."""
    return text.strip() or None


def _rows(text: str, *, source: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the header, cells per row, and the line each row ends in; blank lines are no rows."""
    reader = csv.reader(io.StringIO(text))
    rows = (row for row in reader if row and (len(row) > 1 or row[0].strip(_BLANK)))
    try:
        header = next(rows, None)
        if header is None:
            raise DataError(f"{source}: the file is empty")
        pairs = (number for row in chain([header], rows) for number in (len(row), reader.line_num))
        counts = np.fromiter(pairs, dtype=np.int64).reshape(-1, 2)
    except csv.Error as error:
        raise DataError(f"{source}: line {reader.line_num} is not readable as CSV ({error})") from error
    return header, counts[:, 0], counts[:, 1]


def _check_header(header: list[str], *, source: str) -> None:
    if len(header) == 1:
        for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if mark in header[0]:
                raise DataError(f"{source}: the cells are separated by {word}; save the file with commas")
    if all(_is_number(name) for name in header):
        raise DataError(f"{source}: the first line must name the columns, it holds numbers: {','.join(header[:4])}")
    doubled = [name for name, count in Counter(name.strip() for name in header).items() if count > 1]
    if doubled:
        raise DataError(f"{source}: column name {doubled[0]!r} occurs more than once")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
