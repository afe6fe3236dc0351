"""Tables to series: of one series, of a panel, with anomaly labels."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.columns.labels import LABEL, label_column, read_labels
from downstream.data.columns.values import take_values
from downstream.data.options import LoadOptions
from downstream.data.raw import RawSeries, SeriesSet, Table, Tables
from downstream.data.time_columns import INDEX_NAMES, Disorder, find_time_column, in_order_of_time, read_times
from downstream.errors import DataError, DataWarning
from search_space.registry import unknown_name


def forecasting_series(source: Tables, *, options: LoadOptions) -> SeriesSet:
    """Read tables: of one series each, or panels.

    Raises:
        DataError: If a column is unknown or not numeric, times do not ascend, or tables differ.
    """
    return joined(source.name, [table_series(table, options=options) for table in source.tables])


def anomaly_series(source: Tables, *, options: LoadOptions) -> SeriesSet:
    """Read tables with value columns and optional label (0/1, see `label_column`) and `split` (train/test) columns.

    Raises:
        DataError: As `forecasting_series`, and if labels or splits hold something else.
    """
    sets = []
    for table in source.tables:
        label = label_column(table, options=options)
        plain = table_series(table, options=options, dropped=(label or LABEL, "split"), disorder="warn")
        column = _row_labels(table, label=label)
        labels = None if column is None else read_labels(column, table=table)
        series = tuple(
            replace(
                one,
                labels=None if labels is None else labels[rows],
                n_train=_read_split(table, rows) if "split" in table.frame.columns else None,
            )
            for one, rows in zip(plain.series, table.rows_of.values(), strict=True)
        )
        sets.append(replace(plain, series=series))
    return joined(source.name, sets)


def _row_labels(table: Table, *, label: str | None) -> pd.Series | None:
    if table.y is None:
        return None if label is None else table.frame[label]
    if len(table.y) != len(table.frame):
        raise DataError(f"{table.source}: y must be one label per row: {len(table.frame)} rows, {len(table.y)} labels")
    return pd.Series(table.y, name="y")


def check_count(labels: NDArray[Any], *, n_cases: int, source: str) -> None:
    """Refuse labels that are not one per case."""
    if labels.ndim != 1 or len(labels) != n_cases:
        raise DataError(f"{source}: there must be one label per case: {n_cases} cases, labels {labels.shape}")


def _read_split(table: Table, rows: NDArray[np.intp]) -> int:
    """Return how many of the rows of a series are for training."""
    words = table.frame["split"].astype("string").str.strip().str.lower().fillna("").to_numpy(dtype=object)
    train = words == "train"
    wrong = ~train & (words != "test")
    table.refuse(wrong, what="column 'split'", values=words, rule="must be train or test, got {}")
    train = train[rows]
    n_train = int(train.sum())
    if not train[:n_train].all():
        row = int(rows[np.flatnonzero(~train)[0]])
        raise DataError(
            f"{table.source}: column 'split': all train rows must come before the test rows, but {table.where(row)} "
            "is a test row with train rows after it"
        )
    return n_train


def table_series(
    table: Table, *, options: LoadOptions, dropped: Sequence[str] = (), disorder: Disorder = "refuse"
) -> SeriesSet:
    """Return the series of a table, in the order of their first rows; every column but time is a variate.

    Args:
        table: Of one series, or of a panel.
        options: Time column and variates.
        dropped: Columns that hold something else.
        disorder: What to do where times do not ascend in a series; see `read_times`.

    Raises:
        DataError: If a column is unknown or not numeric, or times do not ascend.
    """
    time = time_of(table, options=options)
    if disorder == "sort" and time is not None and time.lower() not in INDEX_NAMES:
        table = in_order_of_time(table, time, groups=_groups(table))
    no_variates = {time, *dropped}
    if time is not None and str(table.frame.columns[0]).lower() in INDEX_NAMES:
        no_variates.add(table.frame.columns[0])  # the numbers of a frame's rows, beside its times
    known = tuple(name for name in table.frame.columns if name not in no_variates)
    names = choose_variates(known, options=options, source=table.source)
    if not len(table.frame):
        raise DataError(f"{table.source}: the table has no rows")
    times = times_of(table, time, disorder=disorder)
    values = take_values(table, names)
    stamps = _stamps(table, time)
    series = tuple(
        RawSeries(
            name,
            values[rows],
            None if times is None else times[rows],
            stamps=None if stamps is None else stamps.take(rows),
        )
        for name, rows in table.rows_of.items()
    )
    return SeriesSet(
        table.source,
        names,
        series,
        has_names=table.has_names,
        has_ids=table.panel is not None and table.panel.has_ids,
        time=None if stamps is None or stamps.name is None else str(stamps.name),
        ids=None if table.panel is None else table.panel.column,
    )


def _stamps(table: Table, time: str | None) -> pd.Series | None:
    """Return what the time column holds, or an index of times."""
    if time is not None:
        return table.frame[time]
    index = table.frame.index
    return pd.Series(index) if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex | pd.TimedeltaIndex) else None


def time_of(table: Table, *, options: LoadOptions) -> str | None:
    """Return the time column: the wanted one, else that of the table's form, else what the rule finds."""
    wanted = options.time_column
    return table.time if wanted is None and table.time is not None else find_time_column(table, wanted=wanted)


def times_of(table: Table, time: str | None, *, disorder: Disorder = "refuse") -> pd.DatetimeIndex | None:
    """Return the times of the rows, which ascend in each series; see `read_times`."""
    return read_times(table, time, disorder=disorder, groups=_groups(table))


def _groups(table: Table) -> dict[str, NDArray[np.intp]]:
    """Return the rows of each series by what messages call it."""
    if table.panel is None:
        return {table.source: np.arange(len(table.frame))}
    return {f"{table.source}, series {name!r}": rows for name, rows in table.rows_of.items()}


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


def joined(name: str, sets: Sequence[SeriesSet]) -> SeriesSet:
    """Return the series of several tables as one set, with the columns of the first; they are matched by name.

    Raises:
        DataError: If tables have other columns.
    """
    first = sets[0]
    if len(sets) == 1:
        return first
    series = tuple(
        one for part in sets for one in with_columns(part, first.variates, of=first.source, name=name).series
    )
    # a file's name says which it is
    return SeriesSet(name, first.variates, series, has_names=True, has_ids=True, time=first.time, ids=first.ids)


def with_columns(data: SeriesSet, names: tuple[str, ...], *, of: str, name: str) -> SeriesSet:
    """Return data with its columns in another order.

    Args:
        data: The data.
        names: The columns, in their order.
        of: Whose they are.
        name: What messages call the whole.

    Raises:
        DataError: If it has other columns.
    """
    if data.variates == names:
        return data
    if set(data.variates) != set(names):
        raise DataError(
            f"{name}: {data.source} has the columns {', '.join(data.variates)}, but {of} has {', '.join(names)}"
        )
    places = [data.variates.index(column) for column in names]
    series = tuple(replace(one, values=one.values[:, places]) for one in data.series)
    return replace(data, variates=names, series=series)
