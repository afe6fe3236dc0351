"""Columns of values as float64: numbers of every type, and texts that are numbers."""

import re
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.columns.dates import reads_as_time
from downstream.data.raw import Floats, Table
from downstream.errors import DataError

LARGEST = 1e30  # squares of larger values leave float64's and float32's comfortable range
MOST_WHOLE = 2.0**53
COMPLEX = "pass the real and the imaginary part as two variates"
DIGITS = (
    "has more digits than float64 keeps (it is beyond 2**53); take an offset away, or pass floats if rounding is meant"
)
GAPS = frozenset({"", "nan", "-nan", "na", "n/a", "#n/a", "#na", "<na>", "null", "none", "nat"})
"""Texts, in lower case, that stand for a missing value; pandas knows the same in files."""
LEAVE_OUT = "leave the column out with variates=[...]"
REMOVE = "remove the column"
_TIMES = frozenset({"datetime64", "datetime", "date", "timedelta64", "timedelta", "time", "period"})
_COMMA = re.compile(r"[-+]?\d*,\d+(e[-+]?\d+)?", re.IGNORECASE)
_GROUPS = re.compile(r"[-+]?\d{1,3}([.,'\u2019\s]\d{3})+([.,]\d*)?")


def take_values(table: Table, names: Sequence[str], *, remedy: str = LEAVE_OUT) -> Floats:
    """Return columns as numbers, float64 (rows, columns).

    Args:
        table: The table; its form says which decimal mark texts have.
        names: The columns.
        remedy: What a user can do with a column that holds something else.

    Raises:
        DataError: If a value is text, a time or infinite; names the column, the first row and the value.
    """
    frame = table.frame[list(names)]
    kinds = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
    values = np.empty((len(frame), len(names)), dtype=np.float64)
    for place in np.flatnonzero(kinds):
        _refuse_unlike_floats(table, str(names[place]))
    values[:, kinds] = frame.loc[:, kinds].to_numpy(dtype=np.float64, na_value=np.nan)
    for place in np.flatnonzero(~np.asarray(kinds)):
        values[:, place] = _from_objects(table, str(names[place]), remedy=remedy)
    with np.errstate(invalid="ignore"):
        large = np.argwhere(np.abs(values.T) > LARGEST)
    if large.size:
        place, row = (int(number) for number in large[0])
        raise DataError(
            f"{table.source}: column {names[place]!r}, {table.where(row)}: {values[row, place]} is infinite or beyond "
            f"{LARGEST:g}"
        )
    return values


def numbers_of(values: Sequence[Any] | NDArray[Any], *, decimal: str = ".") -> Floats:
    """Return objects as numbers, each text as the float64 nearest to it; NaN where one is missing or no number."""
    try:
        if decimal == ".":  # unlike pandas, NumPy rounds each text correctly
            return np.asarray(values, dtype=object).astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        pass
    return np.asarray([_number(value, decimal=decimal) for value in values], dtype=np.float64)


def is_gap(value: Any) -> bool:
    """Whether a value stands for a missing one."""
    return value.strip().lower() in GAPS if isinstance(value, str) else bool(pd.isna(value))


def loses_digits(numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether whole numbers, signed or not, have more digits than float64 keeps, same shape."""
    floats = np.abs(numbers.astype(np.float64))
    gaps = np.maximum(np.spacing(floats), 1).astype(numbers.dtype)
    return np.asarray((floats >= MOST_WHOLE) & (numbers % gaps != 0))


def _refuse_unlike_floats(table: Table, name: str) -> None:
    """Refuse complex numbers, and whole ones with more digits than float64 keeps."""
    column = table.frame[name]
    if pd.api.types.is_complex_dtype(column):
        raise DataError(f"{table.source}: column {name!r} holds complex numbers; {COMPLEX}")
    if pd.api.types.is_integer_dtype(column):
        whole = column.dropna().to_numpy(dtype=np.uint64 if "uint" in str(column.dtype).lower() else np.int64)
        if whole.size and np.abs(whole.astype(np.float64)).max() >= MOST_WHOLE:
            places = np.flatnonzero(column.notna())[loses_digits(whole)]
            wrong = np.isin(np.arange(len(column)), places)
            table.refuse(wrong, what=f"column {name!r}", values=column.array, rule="{} " + DIGITS)


def _from_objects(table: Table, name: str, *, remedy: str) -> Floats:
    """Return a column that the reader did not find to be numbers as numbers, float64 (rows,)."""
    column = table.frame[name]
    if pd.api.types.infer_dtype(column) in _TIMES:
        raise DataError(
            f"{table.source}: column {name!r} holds times, not numbers; name it with time_column={name!r}, or {remedy}"
        )
    values, decimal = column.to_numpy(dtype=object), table.form.decimal
    numbers = numbers_of(values, decimal=decimal)
    unread = np.flatnonzero(np.isnan(numbers))
    wrong = np.zeros(len(values), dtype=bool)
    wrong[unread] = [not is_gap(values[row]) for row in unread]
    if wrong.any():
        first = values[int(np.flatnonzero(wrong)[0])]
        rule = "{} is not a number; " + _advice(first, name=name, decimal=decimal, remedy=remedy)
        table.refuse(wrong, what=f"column {name!r}", values=values, rule=rule)
    return numbers


def _advice(value: Any, *, name: str, decimal: str, remedy: str) -> str:
    """Return what to do about a value that is no number."""
    text = str(value).strip()
    if decimal == "." and _COMMA.fullmatch(text):
        return "if its comma is a decimal mark, pass decimal=','; commas between thousands must go"
    if _GROUPS.fullmatch(text):
        return f"separators of thousands must go, and the decimal mark is {decimal!r} (decimal=... says another)"
    if decimal == "," and text.count(".") == 1:
        return "with decimal=',' a point is no decimal mark"
    if reads_as_time(text):
        return f"if the column holds times, name it with time_column={name!r}, or {remedy}"
    return f"correct it or {remedy}"


def _number(value: Any, *, decimal: str) -> float:
    """Return the number that a value is or, as text, says; NaN where that is none."""
    try:
        if isinstance(value, str):
            if decimal == ",":
                return float("nan") if "." in value else float(value.replace(",", "."))
            return float(value)
        return float(value) if isinstance(value, Real | Decimal) else float("nan")
    except OverflowError:
        return float("inf")
    except ValueError:
        return float("nan")
