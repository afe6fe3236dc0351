"""Sources to cases, with their labels or without."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.arrays import array_cases, array_series, check_cases
from downstream.data.columns.ids import row_names, time_of_rows
from downstream.data.columns.labels import LABEL
from downstream.data.columns.steps import case_columns
from downstream.data.columns.values import REMOVE, take_values
from downstream.data.files.opening import part_of
from downstream.data.options import LoadOptions
from downstream.data.panels import as_cases
from downstream.data.raw import Arrays, CasePair, CaseSet, RawSeries, SeriesSet, Source, Table, Tables
from downstream.data.tables import check_count, joined, table_series, with_columns
from downstream.errors import DataError


def read_cases(content: Source, *, options: LoadOptions) -> CasePair:
    """Return the labelled cases of a source: of a table, its rows; of a panel, its series; of class folders, the files.

    Where the labels stand in the data, cases with ids come in the order of these and columns with names in that of the
    names, so that it does not matter where in the data they stand. Labels beside the data belong to it as it is.

    Raises:
        DataError: If labels are missing, there are several tables, or the data is at fault.
    """
    if isinstance(content, CasePair):
        bare = next((part for part in content.parts if not len(part.labels)), None)
        if bare is not None:
            raise DataError(f"{bare.source}: the cases have no label (neither @classLabel nor @targetLabel is true)")
        return content
    if isinstance(content, Arrays):
        return array_cases(content, layout=options.layout)
    parts = [_told_apart(part, options=options) for part in (content, content.test) if part is not None]
    labels = [_labels(part, options=options) for part in parts]
    in_order = all(part.tables[0].y is None for part in parts)
    series = [_series(part, options=options) for part in parts]
    series = _parts_alike(series, by_name=in_order and options.variates is None)
    train, *test = (_labelled(*both, in_order=in_order) for both in zip(series, labels, strict=True))
    return CasePair(train, test[0] if test else None)


def plain_series(content: Source, *, options: LoadOptions) -> SeriesSet:
    """Return cases as series, official test cases after the training cases; no labels are needed.

    Raises:
        DataError: If the data is at fault.
    """
    if isinstance(content, Arrays) and content.content.get("y") is None:
        return array_series(content, options=options, cases=True)
    if isinstance(content, Tables):
        parts = [_told_apart(part, options=options) for part in (content, content.test) if part is not None]
        return _one_set(_parts_alike([_series(part, options=options) for part in parts], by_name=False))
    pair = content if isinstance(content, CasePair) else read_cases(content, options=options)
    sets = []
    for cases in pair.parts:
        check_cases(cases.cases, source=cases.source)
        named = tuple(RawSeries(str(number), case) for number, case in enumerate(cases.cases))
        sets.append(SeriesSet(cases.source, cases.variates, named))
    return _one_set(sets, first="test" if part_of(Path(sets[0].source)) == "_TEST" else "train")


def _one_set(sets: Sequence[SeriesSet], *, first: str = "") -> SeriesSet:
    """Return training and test cases as one set; names that only count, or are not all different, say of which part.

    Args:
        sets: The parts.
        first: What the first one is called, where the names only count.
    """
    names = [one.name for part in sets for one in part.series]
    if not first and len(set(names)) == len(names):
        return replace(sets[0], series=tuple(one for part in sets for one in part.series))
    series = tuple(
        replace(one, name=f"{which} {one.name.removeprefix('case ')}")
        for which, part in zip((first or "train", "test"), sets, strict=False)
        for one in part.series
    )
    return replace(sets[0], series=series)


def _told_apart(content: Tables, *, options: LoadOptions) -> Tables:
    """Return tables that say whether their rows are cases or steps of cases."""
    label = options.label_column or LABEL
    if len(content.tables) == 1 and not content.labels:
        return replace(content, tables=(as_cases(content.tables[0], label=label),))
    if content.tables[0].form.table == "cases":
        raise DataError(f"{content.name}: table='cases' is about one table; in a folder each file is a case")
    return content


def _is_one_case(content: Tables, *, options: LoadOptions) -> bool:
    """Whether the rows of each table are the steps of one case: in folders, as asked for, or by the columns known."""
    table = content.tables[0]
    if content.labels or len(content.tables) > 1 or (table.form.table == "steps" and table.panel is None):
        return True
    known = set(options.known or ())
    return bool(known) and table.panel is None and table.form.table is None and known <= set(table.frame.columns)


def _series(content: Tables, *, options: LoadOptions) -> SeriesSet:
    """Return cases without their labels."""
    label = options.label_column or LABEL
    if _is_one_case(content, options=options):
        timed = [one if one.panel else replace(one, time=time_of_rows(one.frame)) for one in content.tables]
        tables = [table_series(one, options=options, dropped=(label,), disorder="sort") for one in timed]
        data = joined(content.name, tables)
        named = zip(content.names or [one.name for one in data.series], data.series, strict=True)
        return replace(data, series=tuple(replace(one, name=name) for name, one in named), has_ids=True)
    table = content.tables[0]
    return _rows(table, label=label) if table.panel is None else _panel_cases(table, options=options)


def _rows(table: Table, *, label: str) -> SeriesSet:
    """Return the rows of a table."""
    if not len(table.frame):
        raise DataError(f"{table.source}: cases from a table need one row each and a column per time step")
    steps, ids = case_columns(table, label=label)
    values = take_values(table, steps, remedy=REMOVE)[:, :, None]
    names = [f"case {number}" for number in range(len(values))] if ids is None else row_names(table.frame[ids])
    series = tuple(RawSeries(name, case) for name, case in zip(names, values, strict=True))
    steps = () if table.form.no_header else steps
    return SeriesSet(table.source, ("channel_0",), series, has_ids=ids is not None, steps=steps, ids=ids)


def _panel_cases(table: Table, *, options: LoadOptions) -> SeriesSet:
    """Return the series of a panel as cases with a channel per column."""
    series = table_series(table, options=options, dropped=(options.label_column or LABEL,), disorder="sort")
    if len(series.series) > 1 and all(len(one.values) == 1 for one in series.series):
        raise DataError(
            f"{table.source}: every id has one row, so each case is one step; leave the ids out for a case per row"
        )
    return series


def _parts_alike(parts: Sequence[SeriesSet], *, by_name: bool) -> list[SeriesSet]:
    """Return training and test cases with the same columns in the same order, by name that of the names."""
    first = parts[0]
    wanted = tuple(sorted(first.variates, key=natural_order)) if by_name and first.has_names else first.variates
    found = [with_columns(one, wanted, of=first.source, name=first.source) if one.has_names else one for one in parts]
    for place, part in enumerate(found[1:], 1):
        if part.steps == first.steps or not (part.steps and first.steps):
            continue
        strange = sorted(set(part.steps) ^ set(first.steps))
        if strange:
            raise DataError(
                f"{part.source}: its columns are time steps, and must be the {len(first.steps)} of {first.source}; "
                f"{strange[0]!r} is in one of the two only"
            )
        places = [part.steps.index(step) for step in first.steps]
        series = tuple(replace(one, values=one.values[places]) for one in part.series)
        found[place] = replace(part, steps=first.steps, series=series)
    return found


def natural_order(name: str) -> tuple[Any, ...]:
    """Return what sorts names as people do: `case 2` before `case 10`."""
    pieces = re.split(r"([0-9]+)", name)
    return (*((len(p.lstrip("0")), p.lstrip("0")) if at % 2 else p for at, p in enumerate(pieces)), name)


def _labelled(data: SeriesSet, labels: NDArray[Any], *, in_order: bool) -> CaseSet:
    """Return cases with their labels; `in_order` puts those with ids in the order of the ids."""
    check_count(labels, n_cases=len(data.series), source=data.source)
    order = list(range(len(labels)))
    if in_order and data.has_ids:
        order.sort(key=lambda place: natural_order(data.series[place].name))
    return CaseSet(
        data.source,
        data.variates,
        tuple(data.series[place].values for place in order),
        labels[np.asarray(order, dtype=np.intp)],
        has_names=data.has_names,
        steps=data.steps,
        names=tuple(data.series[place].name for place in order) if data.has_ids else (),
        ids=data.ids,
    )


def _labels(content: Tables, *, options: LoadOptions) -> NDArray[Any]:
    """Return a label per case: of its folder, passed beside the table, or from its label column."""
    label = options.label_column or LABEL
    if content.labels:
        return np.asarray(content.labels, dtype=object)
    table = content.tables[0]
    if _is_one_case(content, options=options):
        raise DataError(
            f"{content.name}: with a case per file, {len(content.tables)} here, nothing says the labels; put the files "
            "in folders called like their classes"
        )
    if table.y is not None:
        return table.y
    if label not in table.frame.columns:
        what = "a table of cases needs a row each, and" if table.panel is None else "cases from a panel need"
        raise DataError(
            f"{table.source}: {what} labels y, one per {'row' if table.panel is None else 'id'}, or a label column; no "
            f"column {label!r}; pass label_column=... (columns: {', '.join(table.frame.columns[:8])})"
        )
    column = table.frame[label].reset_index(drop=True)
    table.refuse(column.isna(), what=f"column {label!r}", values=column.array, rule="the label is missing")
    return column.to_numpy() if table.panel is None else _panel_labels(column, table=table)


def _panel_labels(column: pd.Series, *, table: Table) -> NDArray[Any]:
    """Return one label per series: what its label column says throughout it."""
    panel = table.panel
    assert panel is not None
    first = pd.Series([column.iloc[rows[0]] for rows in table.rows_of.values()], dtype=column.dtype).to_numpy()
    wrong = np.flatnonzero(column.to_numpy() != first[panel.series_of])
    if wrong.size:
        series = panel.series_of[wrong[0]]
        rule = f"{{}} is not the label that its series begins with ({panel.names[series]!r} has {str(first[series])!r})"
        told = np.arange(len(column)) == wrong[0]
        table.refuse(told, what=f"column {column.name!r}", values=column.array, rule=f"{rule}; a case has one label")
    return first
