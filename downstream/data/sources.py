"""From what a user passes (path, folder, frame, arrays) to what a reader returns, and to series."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from downstream.data.arrays import array_series
from downstream.data.memory.labels import with_labels
from downstream.data.memory.objects import open_object
from downstream.data.options import PLAIN, LoadOptions, TableForm
from downstream.data.paths import Asked, open_path
from downstream.data.raw import Arrays, CasePair, RawSeries, SeriesSet, Source, Tables
from downstream.errors import DataError
from downstream.kinds import KINDS, task_kind


def open_source(
    source: Any, *, y: Any = None, form: TableForm = PLAIN, kind: str | None = None, alone: bool = False
) -> tuple[Source, str]:
    """Read whatever a user passes.

    Args:
        source: A path (file, folder, or the part of a name before `_TRAIN`), a frame or an array of any library, a
            list of them, `(X, y)`, `(X, y, X_test, y_test)`, or a mapping with the keys of an `.npz` file, with ids
            of series, or with names of columns. `as_panel` says which frames are panels.
        y: Labels that belong to a table, an array or a list; see `with_labels`.
        form: How tables are written.
        kind: What the data is for, where that is known.
        alone: Whether a `_TEST` file is read without the training file beside it.

    Returns:
        What was read, and a name for it.

    Raises:
        DataError: If nothing readable is there.
        TypeError: If the source is of a kind not listed above.
    """
    is_path = isinstance(source, str | os.PathLike)
    if is_path:
        cases = None if kind is None else task_kind(kind).whole_cases
        content, name = open_path(source, asked=Asked(form, cases, alone))
    else:
        content, name = open_object(source, form=form)
        content = _written_as(content, form) if isinstance(content, Tables) else content
    return (content if y is None else with_labels(content, y)), name


def _written_as(content: Tables, form: TableForm) -> Tables:
    tables = tuple(replace(table, form=form) for table in content.tables)
    return replace(content, tables=tables, test=content.test and _written_as(content.test, form))


def infer_kind(source: Source) -> str:
    """Return the kind that the form of the data stands for: the last of `KINDS` that claims it."""
    return next(name for name in reversed(KINDS) if task_kind(name).claims(source))


def read_series(content: Source, *, options: LoadOptions, from_tables: Callable[..., SeriesSet]) -> SeriesSet:
    """Return the series of a source, those of tables by way of `from_tables(tables, *, options)`.

    Raises:
        DataError: If it holds labelled cases, or the data is at fault.
    """
    if isinstance(content, CasePair):
        kind = infer_kind(content)
        raise DataError(f"{content.train.source}: the file holds labelled cases; load it with kind={kind!r}")
    if isinstance(content, Arrays):
        return array_series(content, options=options)
    if content.labels:
        kind = infer_kind(content)
        raise DataError(f"{content.name}: the folder holds labelled cases; load it with kind={kind!r}")
    if content.test is not None:
        raise DataError(
            f"{content.test.tables[0].source}: a test part is read as cases only, such as with kind='classification'; "
            "of series, mark rows by a column 'split'"
        )
    return from_tables(content, options=options)


def some_of(series: Sequence[RawSeries], *, options: LoadOptions) -> Sequence[RawSeries]:
    """Return the series, or `max_cases` of them, drawn by `rng_seed`, in their order."""
    if options.max_cases is None or len(series) <= options.max_cases:
        return series
    rng = np.random.default_rng(options.rng_seed)
    return [series[i] for i in sorted(rng.choice(len(series), size=options.max_cases, replace=False))]
