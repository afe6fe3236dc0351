"""Sources to cases, with their labels or without."""

from downstream.data.arrays import array_cases, array_series, check_cases
from downstream.data.options import LoadOptions
from downstream.data.raw import Arrays, CasePair, RawSeries, SeriesSet, Source
from downstream.data.tables import row_cases
from downstream.errors import DataError


def read_cases(content: Source, *, options: LoadOptions) -> CasePair:
    """Return the labelled cases of a source.

    Raises:
        DataError: If labels are missing, there are several tables, or the data is at fault.
    """
    if isinstance(content, CasePair):
        return content
    if isinstance(content, Arrays):
        return array_cases(content, layout=options.layout)
    if len(content.tables) > 1:
        raise DataError(f"{content.name}: one case per row takes one table, got {len(content.tables)}")
    return CasePair(row_cases(content.tables[0], options=options), None)


def plain_series(content: Source, *, options: LoadOptions) -> SeriesSet:
    """Return cases as series, official test cases after the training cases; arrays need no labels.

    Raises:
        DataError: If the data is at fault.
    """
    if isinstance(content, Arrays) and content.content.get("y") is None:
        return array_series(content, options=options, cases=True)
    pair = read_cases(content, options=options)
    series = []
    for part, cases in (("train", pair.train), ("test", pair.test)):
        if cases is not None:
            check_cases(cases.cases, source=cases.source)
            series += [RawSeries(f"{part} {number}", case) for number, case in enumerate(cases.cases)]
    first = pair.train
    return SeriesSet(first.source, first.variates, tuple(series), has_names=first.has_names, steps=first.steps)
