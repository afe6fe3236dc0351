"""Sources to series with labels of their rows, where there are any."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from downstream.data.arrays import array_series
from downstream.data.memory.labels import plain_labels
from downstream.data.options import LoadOptions
from downstream.data.raw import Arrays, SeriesSet, Source, Tables
from downstream.data.sources import read_series
from downstream.data.tables import anomaly_series
from downstream.errors import DataError


def plain_series(content: Source, *, options: LoadOptions) -> SeriesSet:
    """Return the series of a source; tables may have columns of labels and `split`, and may lack those asked for."""
    label = options.label_column
    if isinstance(content, Tables) and not any(label in table.frame.columns for table in content.tables):
        options = replace(options, label_column=None)
    return read_series(content, options=options, from_tables=anomaly_series)


def labelled_series(content: Source, *, options: LoadOptions) -> SeriesSet:
    """Return the series of a source with what is known of their rows.

    Of arrays, `labels` (or `y`) belong to the rows of `values`; with `X_test` (and `y_test`), `X` are training rows and
    `X_test` the rows after them.

    Raises:
        DataError: If the data is at fault.
    """
    data = read_series(content, options=options, from_tables=anomaly_series)
    if not isinstance(content, Arrays):
        return data
    arrays = content.content
    labels, test = arrays.get("labels", arrays.get("y")), arrays.get("X_test")
    if labels is None and test is None:
        return data
    if len(data.series) != 1:
        raise DataError(f"{data.source}: labels and X_test belong to one series, got {len(data.series)} in the array")
    series = data.series[0]
    values, n_train = series.values, None
    if test is not None:
        after = array_series(Arrays(data.source, {"X": test}), options=options)
        if len(after.series) != 1 or after.variates != data.variates:
            raise DataError(f"{data.source}: X_test must be one series with the variates of X")
        n_train, labels = len(values), arrays.get("y_test")
        values = np.concatenate([values, after.series[0].values])
    known = None
    if labels is not None:
        known = np.zeros(len(values), dtype=np.int8)
        known[n_train or 0 :] = _checked(labels, n=len(values) - (n_train or 0), source=data.source)
    return replace(data, series=(replace(series, values=values, labels=known, n_train=n_train),))


def _checked(labels: Any, *, n: int, source: str) -> NDArray[Any]:
    array = plain_labels(labels, source=source)
    if array.shape != (n,) or not np.isin(array, (0, 1)).all():
        raise DataError(f"{source}: anomaly labels must be {n} values 0 or 1, got shape {array.shape}")
    return array
