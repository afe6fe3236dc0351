"""Arrays to series or cases; the axes follow `layout` and are never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def array_series(source: Arrays, *, options: LoadOptions, anomaly: bool = False) -> SeriesSet:
    """Read `values` (or `X`): one series per case; a 2-d array is one series, a 1-d array one variate.

    For anomaly detection, `labels` belong to the rows of `values`; with `X_test`
    (and `y_test`), `X` are training rows and `X_test` the rows after them.

    Raises:
        DataError: If a key is missing or lengths, dimensions or values do not fit.
    """
    content = source.content
    values = content.get("values", content.get("X"))
    if values is None:
        raise DataError(f"{source.source}: there are no values (known keys: values, X)")
    series = _series_list(values, layout=options.layout, source=source.source)
    names = tuple(f"variate_{i}" for i in range(series[0].shape[1]))
    chosen = choose_variates(names, options=options, source=source.source)
    places = {name: number for number, name in enumerate(names)}
    columns = [places[name] for name in chosen]
    cut = [rows[:, columns] for rows in series]
    if not anomaly:
        raw = [RawSeries(f"series {i}", rows) for i, rows in enumerate(cut)]
        return SeriesSet(source.source, chosen, tuple(raw))
    return SeriesSet(source.source, chosen, (_labelled(source, cut, columns=columns, layout=options.layout),))


def _labelled(source: Arrays, series: list[Floats], *, columns: list[int], layout: Layout) -> RawSeries:
    if len(series) != 1:
        raise DataError(f"{source.source}: anomaly detection from arrays takes one series, got {len(series)}")
    values = series[0]
    content = source.content
    if content.get("X_test") is not None:
        test = _series_list(content["X_test"], layout=layout, source=source.source)
        if len(test) != 1 or test[0].shape[1] <= max(columns):
            raise DataError(f"{source.source}: X_test must be one series with the variates of X")
        n_train = len(values)
        values = np.concatenate([values, test[0][:, columns]])
        labels = None
        if content.get("y_test") is not None:
            given = _label_array(content["y_test"], n=len(test[0]), source=source.source)
            labels = np.concatenate([np.zeros(n_train, dtype=np.int8), given])
        return RawSeries("series 0", values, None, labels, n_train)
    wanted = content.get("labels")
    labels = None if wanted is None else _label_array(wanted, n=len(values), source=source.source)
    return RawSeries("series 0", values, None, labels, None)


def _label_array(labels: Any, *, n: int, source: str) -> NDArray[np.int8]:
    array = np.asarray(labels)
    if array.shape != (n,) or not np.isin(array, (0, 1)).all():
        raise DataError(f"{source}: anomaly labels must be {n} values 0 or 1, got shape {array.shape}")
    return array.astype(np.int8)


def _case_set(source: str, values: Any, labels: Any, *, layout: Layout) -> CaseSet:
    if isinstance(values, list | tuple):
        cases = [_numeric(case, source=f"{source}, case {i}") for i, case in enumerate(values)]
        cases = [case[:, None] if case.ndim == 1 else _time_first(case, layout=layout) for case in cases]
    else:
        array = _numeric(values, source=source)
        if array.ndim == 2:
            array = array[:, :, None]
        elif array.ndim == 3:
            array = _time_first(array, layout=layout)
        else:
            raise DataError(f"{source}: cases must have 2 or 3 axes, got shape {array.shape}")
        cases = list(array)
    widths = {case.shape[-1] for case in cases if case.ndim == 2}
    if len(widths) != 1 or any(case.ndim != 2 for case in cases):
        raise DataError(
            f"{source}: every case must have the same number of channels with layout={layout!r}, "
            f"got shapes {sorted({case.shape for case in cases})[:4]} after putting time first"
        )
    flat = np.asarray(labels)
    if flat.ndim != 1 or len(flat) != len(cases):
        raise DataError(f"{source}: there must be one label per case: {len(cases)} cases, labels {flat.shape}")
    return CaseSet(source, tuple(f"channel_{i}" for i in range(widths.pop())), tuple(cases), _label_texts(flat, source))


def _label_texts(labels: NDArray[Any], source: str) -> tuple[str, ...]:
    """Return labels as text that reads back as the same numbers; whole numbers have no point, as class names have none.

    Raises:
        DataError: If a number is not finite; names the case.
    """
    if labels.dtype.kind == "f":
        wrong = np.flatnonzero(~np.isfinite(labels))
        if len(wrong):
            raise DataError(f"{source}: the label of case {wrong[0]} is missing or infinite")
        if (labels == np.round(labels)).all() and (np.abs(labels) < 2**53).all():
            labels = labels.astype(np.int64)
    return tuple(str(label) for label in labels.tolist())


def _series_list(values: Any, *, layout: Layout, source: str) -> list[Floats]:
    if isinstance(values, list | tuple) and values and np.ndim(values[0]) >= 1:
        parts = [_numeric(part, source=f"{source}, series {i}") for i, part in enumerate(values)]
    else:
        array = _numeric(values, source=source)
        parts = list(array) if array.ndim == 3 else [array]
    series = []
    for part in parts:
        if part.ndim not in (1, 2):
            raise DataError(f"{source}: series must have 1, 2 or 3 axes, got shape {np.shape(values)}")
        series.append(part[:, None] if part.ndim == 1 else _time_first(part, layout=layout))
    if not series or len({part.shape[1] for part in series}) != 1 or 0 in series[0].shape:
        raise DataError(
            f"{source}: every series needs rows and the same number of variates with layout={layout!r}, "
            f"got shapes {sorted({part.shape for part in series})[:4]} after putting time first"
        )
    return series


def _time_first(array: Floats, *, layout: Layout) -> Floats:
    return np.swapaxes(array, -1, -2) if layout == "nct" else array


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
