"""Sources to cases, with their labels or without."""

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from downstream.data.arrays import array_cases, array_series, check_cases
from downstream.data.columns.labels import LABEL
from downstream.data.columns.steps import step_columns
from downstream.data.columns.values import REMOVE, take_values
from downstream.data.options import LoadOptions
from downstream.data.raw import Arrays, CasePair, CaseSet, RawSeries, SeriesSet, Source, Table, Tables
from downstream.data.tables import check_count, row_cases, table_series
from downstream.errors import DataError


def read_cases(content: Source, *, options: LoadOptions) -> CasePair:
    """Return the labelled cases of a source: of a table, its rows; of a panel, its series.

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
    table, test = _table(content), content.test
    return CasePair(_labelled(table, options=options), None if test is None else _labelled(test, options=options))


def plain_series(content: Source, *, options: LoadOptions) -> SeriesSet:
    """Return cases as series, official test cases after the training cases; no labels are needed.

    Raises:
        DataError: If the data is at fault.
    """
    if isinstance(content, Arrays) and content.content.get("y") is None:
        return array_series(content, options=options, cases=True)
    if isinstance(content, Tables) and content.test is None:
        table = _table(content)
        if table.panel is not None:
            return _panel_cases(table, options=options)
        if table.y is None and (options.label_column or LABEL) not in table.frame.columns:
            return _rows(table)
    pair = content if isinstance(content, CasePair) else read_cases(content, options=options)
    series = []
    for part, cases in (("train", pair.train), ("test", pair.test)):
        if cases is not None:
            check_cases(cases.cases, source=cases.source)
            series += [RawSeries(f"{part} {number}", case) for number, case in enumerate(cases.cases)]
    train = pair.train
    return SeriesSet(train.source, train.variates, tuple(series), has_names=train.has_names, steps=train.steps)


def _table(content: Tables) -> Table:
    if len(content.tables) > 1:
        raise DataError(f"{content.name}: one case per row takes one table, got {len(content.tables)}")
    return content.tables[0]


def _rows(table: Table) -> SeriesSet:
    """Return the rows of a table without labels."""
    if not len(table.frame):
        raise DataError(f"{table.source}: cases from a table need one row each and a column per time step")
    steps = step_columns(table, label=None)
    values = take_values(table, steps, remedy=REMOVE)[:, :, None]
    series = tuple(RawSeries(f"case {number}", case) for number, case in enumerate(values))
    return SeriesSet(table.source, ("channel_0",), series, steps=steps)


def _panel_cases(table: Table, *, options: LoadOptions) -> SeriesSet:
    """Return the series of a panel as cases with a channel per column."""
    series = table_series(table, options=options, dropped=(options.label_column or LABEL,))
    if len(series.series) > 1 and all(len(one.values) == 1 for one in series.series):
        raise DataError(
            f"{table.source}: every id has one row, so each case is one step; leave the ids out for a case per row"
        )
    return series


def _labelled(table: Table, *, options: LoadOptions) -> CaseSet:
    if table.panel is None:
        return row_cases(table, options=options)
    data = _panel_cases(table, options=options)
    labels = _panel_labels(table, label=options.label_column or LABEL)
    check_count(labels, n_cases=len(data.series), source=table.source)
    cases = tuple(one.values for one in data.series)
    return CaseSet(data.source, data.variates, cases, labels, has_names=data.has_names)


def _panel_labels(table: Table, *, label: str) -> NDArray[Any]:
    """Return one label per series: those passed beside the table, or what its label column says throughout a series."""
    if table.y is not None:
        return table.y
    if label not in table.frame.columns:
        raise DataError(
            f"{table.source}: cases from a panel need labels y, one per id, or a label column (there is no {label!r})"
        )
    column = table.frame[label].reset_index(drop=True)
    table.refuse(column.isna(), what=f"column {label!r}", values=column.array, rule="the label is missing")
    first = pd.Series([column.iloc[rows[0]] for rows in table.rows_of.values()], dtype=column.dtype)
    panel = table.panel
    assert panel is not None
    wrong = column.to_numpy() != first.to_numpy()[panel.series_of]
    rule = "{} is not the label that its series begins with; a case has one label"
    table.refuse(wrong, what=f"column {label!r}", values=column.array, rule=rule)
    return first.to_numpy()
