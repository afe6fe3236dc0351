"""Tables to series or cases: wide, long, with anomaly labels, or one case per row."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.options import LoadOptions
from downstream.data.raw import CaseSet, Floats, RawSeries, SeriesSet, Table, Tables
from downstream.data.time_columns import find_time_column, read_times
from downstream.errors import DataError, DataWarning
from search_space.registry import unknown_name

LONG_COLUMNS = ("unique_id", "ds", "y")
LARGEST = 1e30  # squares of larger values leave float64's and float32's comfortable range


def forecasting_series(source: Tables, *, options: LoadOptions) -> SeriesSet:
    """Read wide tables (one series each) or one long table (`unique_id`, `ds`, `y`).

    Raises:
        DataError: If a column is unknown or not numeric, times do not ascend, or tables differ.
    """
    if len(source.tables) == 1 and set(LONG_COLUMNS) <= set(source.tables[0].frame.columns):
        return _long_series(source.tables[0], name=source.name)
    sets = [_wide_series(table, options=options, dropped=()) for table in source.tables]
    return _joined(source.name, sets)


def anomaly_series(source: Tables, *, options: LoadOptions) -> SeriesSet:
    """Read tables with value columns and optional `label` (0/1) and `split` (train/test) columns.

    Raises:
        DataError: As `forecasting_series`, and if labels or splits hold something else.
    """
    sets = []
    for table in source.tables:
        label = options.label_column or "label"
        if options.label_column is not None and label not in table.frame.columns:
            raise DataError(f"{table.source}: {unknown_name('column', label, tuple(table.frame.columns))}")
        plain = _wide_series(table, options=options, dropped=(label, "split"), anomaly=True)
        series = plain.series[0]
        labels = read_labels(table.frame[label], table=table) if label in table.frame.columns else None
        n_train = _read_split(table) if "split" in table.frame.columns else None
        labelled = RawSeries(series.name, series.values, series.times, labels, n_train)
        sets.append(replace(plain, series=(labelled,)))
    return _joined(source.name, sets)


def row_cases(table: Table, *, options: LoadOptions) -> CaseSet:
    """Read a table that holds one univariate case per row and what is known of it in the label column.

    Raises:
        DataError: If there is no label column, nothing beside it, or a value is not numeric.
    """
    frame = table.frame
    label = options.label_column or "label"
    steps = tuple(name for name in frame.columns if name != label)
    if table.y is None and label not in frame.columns:
        raise DataError(
            f"{table.source}: cases from a table need one row each and a label column; there is no column {label!r}; "
            f"pass label_column=... (columns: {', '.join(frame.columns[:8])})"
        )
    if not steps:
        raise DataError(f"{table.source}: there is no column with values beside the label column {label!r}")
    labels = table.y
    if labels is None:
        labels = frame[label].to_numpy()
        table.refuse(pd.isna(labels), what=f"column {label!r}", values=labels, rule="the label is missing")
    values = take_values(table, steps)
    return CaseSet(table.source, ("channel_0",), tuple(values[:, :, None]), labels, steps=steps)


def take_values(table: Table, names: Sequence[str]) -> Floats:
    """Return columns as numbers, float64 (rows, columns).

    Raises:
        DataError: If a value is text, a time or infinite; names the column, the first row and the value.
    """
    frame = table.frame[list(names)]
    kinds = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
    values = np.empty((len(frame), len(names)), dtype=np.float64)
    values[:, kinds] = frame.loc[:, kinds].to_numpy(dtype=np.float64, na_value=np.nan)
    for place in np.flatnonzero(~np.asarray(kinds)):
        values[:, place] = _from_text(table, str(names[place]))
    with np.errstate(invalid="ignore"):
        large = np.argwhere(np.abs(values.T) > LARGEST)
    if large.size:
        place, row = (int(number) for number in large[0])
        raise DataError(
            f"{table.source}: column {names[place]!r}, {table.where(row)}: {values[row, place]} is infinite or beyond "
            f"{LARGEST:g}"
        )
    return values


def _from_text(table: Table, name: str) -> Floats:
    """Return a column that the reader did not find to be numbers as numbers, float64 (rows,)."""
    column = table.frame[name].reset_index(drop=True)
    if pd.api.types.is_datetime64_any_dtype(column):
        raise DataError(f"{table.source}: column {name!r} holds times, not numbers; leave it out with variates=[...]")
    column = column.astype(object)
    numbers = _numbers(column)
    rule = "{} is not a number; correct it or leave the column out with variates=[...]"
    table.refuse(numbers.isna() & column.notna(), what=f"column {name!r}", values=column, rule=rule)
    return np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan))


def _numbers(column: pd.Series) -> pd.Series:
    """Return a column as numbers, NaN where a value is none."""
    try:
        return pd.to_numeric(column, errors="coerce")
    except OverflowError:  # hundreds of digits: infinite as float64, which is said later
        return pd.Series([_number(value) for value in column], dtype=np.float64)


def _number(value: object) -> float:
    try:
        return float(value) if isinstance(value, str | int | float) else float("nan")
    except OverflowError:
        return float("inf")
    except ValueError:
        return float("nan")


def read_labels(column: pd.Series, *, table: Table) -> NDArray[np.int8]:
    """Return anomaly labels, int8 (rows,).

    Raises:
        DataError: If one is neither 0 nor 1; names the first row.
    """
    numbers = _numbers(column.astype(object)).to_numpy(dtype=np.float64)
    rule = "labels are 0 (normal) or 1 (anomaly), got {}"
    wrong = (numbers != 0) & (numbers != 1)
    table.refuse(wrong, what=f"column {column.name!r}", values=column.array, rule=rule)
    return numbers.astype(np.int8)


def _read_split(table: Table) -> int:
    words = table.frame["split"].astype("string").str.strip().str.lower().fillna("").to_numpy(dtype=object)
    train = words == "train"
    wrong = ~train & (words != "test")
    table.refuse(wrong, what="column 'split'", values=words, rule="must be train or test, got {}")
    n_train = int(train.sum())
    if not train[:n_train].all():
        row = int(np.flatnonzero(~train)[0])
        raise DataError(
            f"{table.source}: column 'split': all train rows must come before the test rows, but {table.where(row)} "
            "is a test row with train rows after it"
        )
    return n_train


def _wide_series(table: Table, *, options: LoadOptions, dropped: Sequence[str], anomaly: bool = False) -> SeriesSet:
    time = find_time_column(table, wanted=options.time_column)
    known = tuple(name for name in table.frame.columns if name != time and name not in dropped)
    names = choose_variates(known, options=options, source=table.source)
    if not len(table.frame):
        raise DataError(f"{table.source}: the table has no rows")
    times = read_times(table, time, disorder="warn" if anomaly else "refuse")
    series = RawSeries(table.source, take_values(table, names), times)
    return SeriesSet(table.source, names, (series,), has_names=True)


def choose_variates(known: Sequence[str], *, options: LoadOptions, source: str) -> tuple[str, ...]:
    """Return the input columns, targets first.

    Raises:
        DataError: If there are none, or a wanted one does not exist.
    """
    there = frozenset(known)
    wanted = options.variates if options.variates is not None else tuple(known)
    if options.variates is None and options.known and there.issuperset(options.known):
        wanted = options.known
        others = [name for name in known if name not in options.known]
        if others:
            sentence = f"{source}: columns that training did not have are left out: {', '.join(others)}"
            warnings.warn(sentence, DataWarning, stacklevel=3)
    names = tuple(dict.fromkeys((*(options.target or ()), *wanted)))
    for name in names:
        if name not in there:
            raise DataError(f"{source}: {unknown_name('column', name, tuple(known))}")
    if not names:
        raise DataError(f"{source}: there is no value column")
    return names


def _long_series(table: Table, *, name: str) -> SeriesSet:
    extra = [column for column in table.frame.columns if column not in LONG_COLUMNS]
    if extra:
        warnings.warn(
            f"{table.source}: columns besides unique_id, ds, y are left out: {extra}", DataWarning, stacklevel=3
        )
    keys = table.frame["unique_id"]
    table.refuse(keys.isna(), what="column 'unique_id'", values=keys.array, rule="the value is missing")
    values = take_values(table, ["y"])
    rows_of = table.frame.groupby("unique_id", sort=False).indices
    groups = {key: np.asarray(rows, dtype=np.intp) for key, rows in rows_of.items()}
    times = read_times(table, "ds", groups={f"{table.source}, series {key!r}": rows for key, rows in groups.items()})
    series = [RawSeries(str(key), values[rows], None if times is None else times[rows]) for key, rows in groups.items()]
    if not series:
        raise DataError(f"{table.source}: the table has no rows")
    return SeriesSet(name, ("y",), tuple(series), has_names=True, has_ids=True)


def _joined(name: str, sets: Sequence[SeriesSet]) -> SeriesSet:
    first = sets[0]
    for other in sets[1:]:
        if other.variates != first.variates:
            raise DataError(
                f"{name}: {other.source} has the columns {', '.join(other.variates)}, "
                f"but {first.source} has {', '.join(first.variates)}"
            )
    if len(sets) == 1:
        return first
    series = tuple(series for part in sets for series in part.series)
    return SeriesSet(name, first.variates, series, has_names=True, has_ids=True)  # a file's name says which it is
