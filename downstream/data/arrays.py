"""Arrays to series or cases; the axes follow `layout` and are never guessed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from downstream.data.options import Layout, LoadOptions
from downstream.data.raw import Arrays, CasePair, CaseSet, Floats, RawSeries, SeriesSet
from downstream.data.tables import LARGEST, choose_variates
from downstream.errors import DataError


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
    train = _case_set(source.source, values, content["y"], layout=layout)
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
    names = tuple(f"variate_{i}" for i in range(series[0].shape[1]))
    chosen = choose_variates(names, options=options, source=source.source)
    columns = [names.index(name) for name in chosen]
    raw = tuple(RawSeries(f"series {i}", rows[:, columns]) for i, rows in enumerate(series))
    return SeriesSet(source.source, chosen, raw)


def _case_set(source: str, values: Any, labels: Any, *, layout: Layout) -> CaseSet:
    cases = _time_first(values, layout=layout, source=source, cases=True)
    flat = np.asarray(labels)
    if flat.ndim != 1 or len(flat) != len(cases):
        raise DataError(f"{source}: there must be one label per case: {len(cases)} cases, labels {flat.shape}")
    variates = tuple(f"channel_{i}" for i in range(cases[0].shape[1]))
    return CaseSet(source, variates, tuple(cases), flat)


def _time_first(values: Any, *, layout: Layout, source: str, cases: bool) -> list[Floats]:
    """Return series or cases, each (time, variates); `cases` says what the rows of a 2-d array are."""
    if isinstance(values, list | tuple) and len(values) and np.ndim(values[0]) >= 1:
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
    if len({part.shape[1] for part in parts}) != 1:
        raise DataError(
            f"{source}: all must have the same number of variates with layout={layout!r}, "
            f"got shapes {sorted({part.shape for part in parts})[:4]} after putting time first"
        )
    return parts


def _numeric(values: Any, *, source: str) -> Floats:
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "fiub":
            raise ValueError(f"dtype {array.dtype}")
    except (ValueError, TypeError) as error:
        raise DataError(f"{source}: values must form a numeric array ({str(error).splitlines()[0]})") from error
    if not array.size:
        raise DataError(f"{source}: it needs rows with values, got an array of shape {array.shape}")
    with np.errstate(over="ignore"):  # what is too large for float64 is refused below
        numbers = array.astype(np.float64)
    large = np.argwhere(np.abs(numbers) > LARGEST)
    if len(large):
        place = tuple(int(i) for i in large[0])
        raise DataError(f"{source}: the value at index {place} is infinite or beyond {LARGEST:g}")
    return numbers


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
