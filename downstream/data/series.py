"""Sources to series: what the kinds that ask about rows of a series share."""

from collections.abc import Callable, Sequence

import numpy as np

from downstream.data.arrays import array_series
from downstream.data.options import LoadOptions
from downstream.data.raw import Arrays, CasePair, RawSeries, SeriesSet, Source
from downstream.data.sources import infer_kind
from downstream.errors import DataError

FromTables = Callable[..., SeriesSet]  # (tables, *, options)


def read_series(content: Source, *, options: LoadOptions, from_tables: FromTables) -> SeriesSet:
    """Return the series of a source.

    Raises:
        DataError: If it holds labelled cases, or the data is at fault.
    """
    if isinstance(content, CasePair):
        kind = infer_kind(content)
        raise DataError(f"{content.train.source}: the file holds labelled cases; load it with kind={kind!r}")
    if isinstance(content, Arrays):
        return array_series(content, options=options)
    return from_tables(content, options=options)


def some_of(series: Sequence[RawSeries], *, options: LoadOptions) -> Sequence[RawSeries]:
    """Return the series, or `max_cases` of them, drawn by `rng_seed`, in their order."""
    if options.max_cases is None or len(series) <= options.max_cases:
        return series
    rng = np.random.default_rng(options.rng_seed)
    return [series[i] for i in sorted(rng.choice(len(series), size=options.max_cases, replace=False))]
