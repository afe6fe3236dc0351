"""Arrays to series or cases; the axes follow `layout` and are never guessed."""

import warnings
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.columns.values import COMPLEX, DIGITS, LARGEST, loses_digits
from downstream.data.memory.containers import is_cell, unwrapped
from downstream.data.memory.labels import plain_labels
from downstream.data.options import LAYOUTS, Layout, LoadOptions
from downstream.data.raw import Arrays, CasePair, CaseSet, Floats, RawSeries, SeriesSet
from downstream.data.tables import check_count, choose_variates
from downstream.errors import DataError, DataWarning


def array_cases(source: Arrays, *, layout: Layout) -> CasePair:
    """Read keys `X`, `y` and optionally `X_test`, `y_test`.

    Args:
        source: `X` is (cases, channels, time) for `nct`, (cases, time, channels) for
            `ntc`, (cases, time) for one channel, or a list with one array per case.
        layout: The order of the axes.

    Raises:
        DataError: If a key is missing or lengths, dimensions or values do not fit.
    """
    content = source.content
    values = content.get("X", content.get("values"))
    if values is None or content.get("y") is None:
        raise DataError(f"{source.source}: it needs cases X and their labels y")
    train = _case_set(source.source, values, content["y"], layout=layout, ids=source.ids)
    if (content.get("X_test") is None) != (content.get("y_test") is None):
        raise DataError(f"{source.source}: X_test and y_test come together, one of them is missing")
    if content.get("X_test") is None:
        return CasePair(train, None)
    return CasePair(train, _case_set(f"{source.source} (test)", content["X_test"], content["y_test"], layout=layout))


def array_series(source: Arrays, *, options: LoadOptions, cases: bool = False) -> SeriesSet:
    """Read `values` (or `X`): one series per case; a 1-d array is one variate.

    Args:
        source: The arrays; labels are not looked at.
        options: Layout and variates.
        cases: A 2-d array holds cases of one channel; by default it is one series.

    Raises:
        DataError: If a key is missing or lengths, dimensions or values do not fit.
    """
    content = source.content
    values = content.get("values", content.get("X"))
    if values is None:
        raise DataError(f"{source.source}: there are no values (known keys: values, X)")
    series = _time_first(values, layout=options.layout, source=source.source, cases=cases)
    variate, one = ("channel", "case") if cases else ("variate", "series")
    names = tuple(f"{variate}_{i}" for i in range(series[0].shape[1]))
    chosen = choose_variates(names, options=options, source=source.source)
    columns = [names.index(name) for name in chosen]
    ids = source.ids or tuple(f"{one} {i}" for i in range(len(series)))
    raw = tuple(RawSeries(name, rows[:, columns]) for name, rows in zip(ids, series, strict=True))
    return SeriesSet(source.source, chosen, raw, has_ids=bool(source.ids))


def _case_set(source: str, values: Any, labels: Any, *, layout: Layout, ids: Sequence[str] = ()) -> CaseSet:
    cases = _time_first(values, layout=layout, source=source, cases=True)
    flat = plain_labels(labels, ids=ids, source=source)
    check_count(flat, n_cases=len(cases), source=source)
    variates = tuple(f"channel_{i}" for i in range(cases[0].shape[1]))
    return CaseSet(source, variates, tuple(cases), flat)


def _time_first(values: Any, *, layout: Layout, source: str, cases: bool) -> list[Floats]:
    """Return series or cases, each (time, variates); `cases` says what the rows of a 2-d array are."""
    values = unwrapped(values)
    if isinstance(values, list | tuple) and len(values) and is_cell(values[0]):
        parts = [_numeric(part, source=f"{source}, item {i}") for i, part in enumerate(values)]
    else:
        array = _numeric(values, source=source)
        parts = list(array) if array.ndim > (1 if cases else 2) else [array]
        if array.ndim == 1 and cases:
            raise DataError(f"{source}: cases must have 2 or 3 axes, got shape {array.shape}")
    strange = [part.shape for part in parts if part.ndim not in (1, 2)]
    if strange:
        raise DataError(f"{source}: a {'case' if cases else 'series'} must have 1 or 2 axes, got shape {strange[0]}")
    parts = [part[:, None] if part.ndim == 1 else part.T if layout == "nct" else part for part in parts]
    _check_axes(parts, layout=layout, source=source)
    return parts


def _check_axes(parts: Sequence[Floats], *, layout: Layout, source: str) -> None:
    """Refuse unequal numbers of variates, and warn where there are more variates than time steps."""
    other = next(one for one in LAYOUTS if one != layout)
    axes = "variates, time" if layout == "nct" else "time, variates"
    read = f"with layout={layout!r} the axes of each are ({axes})"
    widths = sorted({part.shape[1] for part in parts})
    if len(widths) > 1:
        swapped = len({len(part) for part in parts}) == 1
        raise DataError(
            f"{source}: all must have the same number of variates; {read}, which gives {widths[0]} to {widths[-1]}"
            + (f"; layout={other!r} gives {len(parts[0])} to all" if swapped else "")
        )
    if all(part.shape[1] > part.shape[0] for part in parts):
        length, width = parts[0].shape
        warnings.warn(
            f"{source}: {read}, which gives {width} variates of {length} time steps; if time is the other axis, pass "
            f"layout={other!r}",
            DataWarning,
            stacklevel=5,
        )


def _numeric(values: Any, *, source: str) -> Floats:
    """Return numbers of any type as float64 of the same shape, NaN where one is missing."""
    rule = "values must form a numeric array"
    try:
        array = np.asarray(unwrapped(values))
    except (ValueError, TypeError, RuntimeError) as error:
        why = "its rows have unequal lengths" if "inhomogeneous" in str(error) else str(error).splitlines()[0]
        raise DataError(f"{source}: {rule} ({why})") from error
    if array.dtype.kind == "c":
        raise DataError(f"{source}: {rule}, got complex numbers; {COMPLEX}")
    if array.dtype.kind not in "fiubO":
        raise DataError(f"{source}: {rule} (dtype {array.dtype})")
    if not array.size:
        raise DataError(f"{source}: it needs rows with values, got an array of shape {array.shape}")
    if array.dtype.kind == "O":
        array = _from_objects(array, rule=f"{source}: {rule}")
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large for float64 is refused below
        numbers = array.astype(np.float64)
        large = np.argwhere(np.abs(numbers) > LARGEST)
    if len(large):
        raise DataError(f"{source}: the value at index {_index(large)} is infinite or beyond {LARGEST:g}")
    inexact = np.argwhere(loses_digits(array)) if array.dtype.kind in "iu" else large
    if len(inexact):
        raise DataError(f"{source}: the value at index {_index(inexact)} {DIGITS}")
    return numbers


def _from_objects(array: NDArray[Any], *, rule: str) -> Floats:
    """Return objects that are numbers as float64, NaN for None and `pandas.NA`."""
    numbers = np.full(array.shape, np.nan)
    value: Any
    for place, value in np.ndenumerate(array):
        if value is None or value is pd.NA:
            continue
        if not _is_number(value):
            raise DataError(f"{rule}, but at index {place} there is {value!r}")
        try:
            numbers[place] = float(value)
        except OverflowError:
            numbers[place] = np.inf
        if isinstance(value, int) and np.isfinite(numbers[place]) and int(numbers[place]) != value:
            raise DataError(f"{rule}: the value at index {place} {DIGITS}")
    return numbers


def _is_number(value: object) -> bool:
    return isinstance(value, Real | Decimal | np.bool_)


def _index(places: NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(int(i) for i in places[0])


def check_cases(cases: Sequence[Floats], *, source: str) -> None:
    """Refuse infinite values in cases that were read from text.

    Raises:
        DataError: Names the case, time step and channel.
    """
    for number, case in enumerate(cases):
        large = np.argwhere(np.abs(case) > LARGEST)
        if len(large):
            step, channel = (int(i) for i in large[0])
            raise DataError(
                f"{source}: case {number}, step {step}, channel {channel} is infinite or beyond {LARGEST:g}"
            )
