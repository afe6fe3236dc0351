"""The text form of the UCR archive: one case per line, its class first; commas, tabs or blanks between."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from downstream.data.files.heading import first_is_data
from downstream.data.files.opening import part_of, read_text, suffix_of
from downstream.data.options import TableForm
from downstream.data.raw import CaseSet
from downstream.errors import DataError, DataWarning

_FIRST_LINES = 20
_LARGEST_CLASS = 1e15
_GAPS = frozenset({"", "?"})
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?(e[-+]?[0-9]+)?", re.IGNORECASE)


def holds_cases(path: Path, *, form: TableForm, cases: bool | None) -> bool:
    """Whether a text file is to be read as cases of the UCR form, not as a table.

    Rule: its first line is data, not names, and nothing is said of a header, a separator or columns. A `.tsv` file is
    then one of cases; a file of another type where cases are asked for, or it is called `_TRAIN` or `_TEST` and nothing
    is asked for. Then a warning says so, unless `form.table` does.

    Args:
        path: The file.
        form: How tables are written.
        cases: Whether the data is for a kind about cases; None where the data is to say so.

    Raises:
        DataError: If the file cannot be opened.
    """
    named = form.no_header or form.label_column or form.id_column or form.time_column or form.decimal != "."
    if named or form.separator != "," or form.table in ("steps", "long"):
        return False
    is_tsv = suffix_of(path) == ".tsv"
    wanted = form.table == "cases" or cases or (cases is None and bool(part_of(path)))
    if not (is_tsv or wanted):
        return False
    rows = [row for _, row in _rows(read_text(path), at_most=_FIRST_LINES)]
    if not rows:
        return False
    plain = [["" if cell.strip() in _GAPS else cell for cell in row] for row in rows]
    if is_tsv:
        return not any(_is_word(cell) for cell in plain[0][1:])
    if len(plain[0]) < 2 or not first_is_data(plain[0], plain[1:], form=form):
        return False
    if form.table is None:
        warnings.warn(
            f"{path.name}: its first line is data, so each line is read as a case, the class first; pass table='cases' "
            "if that is right, table='steps' if lines are time steps, or no_header=True if all columns are values",
            DataWarning,
            stacklevel=6,
        )
    return True


def read_ucr_cases(path: Path) -> CaseSet:
    """Read a file of the UCR form; `NaN`, `?` and empty cells are missing, lengths may differ.

    Labels are as they are written, but for whole numbers with a point or an exponent: `1.0000000e+00` is `1`.

    Raises:
        DataError: If it cannot be opened, or a line has no values or something that is not a number.
    """
    cases, labels = [], []
    for number, (label, *cells) in _rows(read_text(path)):
        if not cells:
            raise DataError(
                f"{path.name}: line {number} has one cell; a comma, tab or blank must stand between the class label "
                "and its values"
            )
        try:
            values = np.array([cell if cell.strip() not in _GAPS else "nan" for cell in cells], dtype=np.float64)
        except ValueError as error:
            raise DataError(f"{path.name}: line {number} holds something that is not a number ({error})") from error
        cases.append(values[:, None])
        labels.append(_label(label.strip()))
    return CaseSet(path.name, ("channel_0",), tuple(cases), np.asarray(labels, dtype=object))


def _rows(text: str, *, at_most: int | None = None) -> list[tuple[int, list[str]]]:
    """Return the cells of each line and its number; the first line with any says what stands between them."""
    rows: list[tuple[int, list[str]]] = []
    split: Callable[[str], list[str]] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.rstrip("\r\n")
        if not line.strip() or line.lstrip()[0] == "#":
            continue
        if split is None:
            mark = next((mark for mark in "\t," if mark in line), None)
            split = str.split if mark is None else lambda text, mark=mark: text.split(mark)
        rows.append((number, split(line)))
        if len(rows) == at_most:
            break
    return rows


def _is_word(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return True
    return False


def _label(text: str) -> str:
    if not _NUMBER.fullmatch(text) or text.lstrip("-+").isdigit():
        return text
    number = float(text)
    return str(int(number)) if abs(number) < _LARGEST_CLASS and number % 1 == 0 else text
