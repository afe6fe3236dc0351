"""Data without a question: series or cases to be represented, in their own units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from downstream.data.options import Layout, LoadOptions
from downstream.data.raw import SeriesSet
from downstream.data.sources import open_source
from downstream.kinds import task_kind


def load_plain_series(
    source: Any,
    *,
    kind: str,
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
    return task_kind(kind).plain_series(content, options=options)
