"""Data without a question: series or cases to be represented, in their own units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from downstream.data.arrays import array_cases, array_series, check_cases
from downstream.data.options import Layout, LoadOptions
from downstream.data.raw import Arrays, CasePair, CaseSet, RawSeries, SeriesSet
from downstream.data.sources import open_source
from downstream.data.tables import anomaly_series, forecasting_series, row_cases
from downstream.errors import DataError
from downstream.task import Kind


def load_plain_series(
    source: Any,
    *,
    kind: Kind,
    variates: Sequence[str] | None = None,
    layout: Layout = "nct",
    time_column: str | None = None,
    label_column: str | None = None,
) -> SeriesSet:
    """Read data as `load_task` does, without splitting or scaling it.

    Cases of a classification set are series too; the official test cases follow the training cases. Labels are
    not needed where the format does not demand them.

    Args:
        source: As for `load_task`.
        kind: How the data is read.
        variates: Columns to use, all by default.
        layout: Axes of arrays.
        time_column: As for `load_task`.
        label_column: As for `load_task`.

    Raises:
        DataError: If the data is at fault.
    """
    content, stem = open_source(source)
    options = LoadOptions(
        name=stem,
        variates=None if variates is None else tuple(variates),
        layout=layout,
        time_column=time_column,
        label_column=label_column,
    )
    if kind == "classification":
        if isinstance(content, Arrays) and content.content.get("y") is None:
            return array_series(content, options=options)
        if isinstance(content, Arrays):
            content = array_cases(content, layout=layout)
        if not isinstance(content, CasePair):
            content = CasePair(row_cases(content.tables[0], options=options), None)
        return _joined(content)
    if isinstance(content, CasePair):
        raise DataError(f"{content.train.source}: the file holds labelled cases; read it with kind='classification'")
    if isinstance(content, Arrays):
        return array_series(content, options=options)
    return (
        anomaly_series(content, options=options) if kind == "anomaly" else forecasting_series(content, options=options)
    )


def _joined(pair: CasePair) -> SeriesSet:
    for cases in (pair.train, pair.test):
        if cases is not None:
            check_cases(cases.cases, source=cases.source)
    parts: list[tuple[str, CaseSet]] = [("train", pair.train)] + ([("test", pair.test)] if pair.test else [])
    series = [RawSeries(f"{part} {number}", case) for part, cases in parts for number, case in enumerate(cases.cases)]
    return SeriesSet(pair.train.source, pair.train.variates, tuple(series))
