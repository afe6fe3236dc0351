"""Labels that are passed beside the data: their form settled, and put in the order of the cases."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.memory.containers import unwrapped
from downstream.data.raw import Arrays, Source, Table, Tables
from downstream.errors import DataError, DataWarning


def with_labels(content: Source, y: Any) -> Source:
    """Return data in which the labels stand beside it.

    Args:
        content: A table, or arrays.
        y: One label per case or, of one series, per row: an array, a list, or a Series or column of any library. A
            Series whose index holds the cases' ids is matched by it, otherwise the order counts.

    Raises:
        DataError: If the data has labels already, or the labels have another form.
    """
    if isinstance(content, Arrays) and content.content.get("y") is None:
        return replace(
            content, content={**content.content, "y": plain_labels(y, ids=content.ids, source=content.source)}
        )
    if isinstance(content, Tables) and len(content.tables) == 1:
        table = content.tables[0]
        return replace(content, tables=(replace(table, y=plain_labels(y, ids=_ids(table), source=table.source)),))
    raise DataError("y belongs to one table or to arrays in memory; these data have their labels in them")


def has_labels(content: Source) -> bool:
    """Whether labels stand beside the data."""
    if isinstance(content, Arrays):
        return content.content.get("y") is not None
    return isinstance(content, Tables) and any(table.y is not None for table in content.tables)


def plain_labels(y: Any, *, source: str, ids: Sequence[Any] = ()) -> NDArray[Any]:
    """Return labels as an array (n,), those of a Series that is indexed by the ids in the order of the ids.

    Raises:
        DataError: If they are not one column.
    """
    y = unwrapped(y)
    if isinstance(y, pd.Series) and len(ids):
        texts, places = [str(one) for one in ids], {str(one): place for place, one in enumerate(y.index)}
        if len(places) == len(y) == len(texts) and set(places) == set(texts):
            y = y.iloc[[places[text] for text in texts]]
    if isinstance(y, list | tuple) and all(isinstance(one, str) for one in y) != any(isinstance(one, str) for one in y):
        y = pd.Series(list(y), dtype=object)  # NumPy would make texts of all
    try:
        labels = np.asarray(y)
    except ValueError as error:
        raise DataError(f"{source}: y must be one label per case, got entries of unequal length") from error
    if labels.ndim == 2 and labels.shape[1] == 1:
        warnings.warn(
            f"{source}: y is a column of shape {labels.shape}; its values are taken", DataWarning, stacklevel=4
        )
        labels = labels[:, 0]
    if labels.ndim != 1:
        hint = "; of one-hot rows pass y.argmax(axis=1)" if labels.ndim == 2 else ""
        raise DataError(f"{source}: y must be one label per case, got shape {labels.shape}{hint}")
    return labels


def _ids(table: Table) -> Sequence[Any]:
    """Return what a Series of labels may be indexed by: ids, or row labels that are no mere count."""
    if table.panel is not None:
        return table.panel.names if table.panel.has_ids else ()
    index = table.frame.index
    return () if isinstance(index, pd.RangeIndex) else list(index)
