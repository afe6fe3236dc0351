"""From an object that a program holds to tables or arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from downstream.data.columns.ids import ID_NAMES
from downstream.data.files.npz import KEYS
from downstream.data.memory.containers import is_cell, unwrapped
from downstream.data.memory.labels import with_labels
from downstream.data.options import PLAIN, TableForm
from downstream.data.panels import as_panel, frames_of_entries, named_table, table_of_frames
from downstream.data.raw import Arrays, Source, Tables
from downstream.data.time_columns import TIME_NAMES
from downstream.errors import DataError


def open_object(source: Any, *, form: TableForm = PLAIN) -> tuple[Source, str]:
    """Return what an object stands for, and a name for it; see `open_source`.

    Raises:
        DataError: If it is of a known form, but its parts do not fit together.
        TypeError: If it is of no known form.
    """
    source = unwrapped(source)
    if isinstance(source, np.ndarray) and source.ndim == 1 and source.dtype.names is not None:
        source = pd.DataFrame({name: source[name].tolist() for name in source.dtype.names})
    if isinstance(source, pd.DataFrame | pd.Series):
        return _of_frame(source, form), "frame"
    if isinstance(source, Mapping):
        return _of_mapping(source, form)
    if isinstance(source, tuple) and len(source) in (2, 4):
        return _of_keys(dict(zip(("X", "y", "X_test", "y_test"), source, strict=False)), form), "arrays"
    if isinstance(source, list):
        return _of_list(source), "array"
    if hasattr(source, "__array__"):
        return Arrays("array", {"X": source}), "array"
    raise TypeError(
        "load_task takes a path, a DataFrame, an array, a list of arrays or frames, (X, y), (X, y, X_test, y_test) or "
        f"a mapping, got {type(source).__name__}"
    )


def _of_frame(frame: pd.DataFrame | pd.Series, form: TableForm) -> Tables:
    if isinstance(frame, pd.Series):
        is_named = frame.name is not None and str(frame.name).lower() not in TIME_NAMES  # its values are no times
        table = named_table(frame.to_frame(name=frame.name if is_named else "value"), source="Series")
        table = replace(table, has_names=table.has_names and is_named)
    else:
        table = named_table(frame, source="DataFrame")
    return Tables("frame", (as_panel(replace(table, form=form)),))


def _of_list(items: Sequence[Any], *, ids: Sequence[Any] | None = None) -> Source:
    """Return frames or arrays, each a series or a case; `ids` name them."""
    what = "list" if ids is None else "dict"
    items = [unwrapped(item) for item in items]
    if ids is None and items and all(isinstance(item, Mapping) for item in items):
        items, ids = frames_of_entries(items)
    framed = [isinstance(item, pd.DataFrame | pd.Series) for item in items]
    if ids and not all(map(is_cell, items)):
        raise DataError(
            "dict: each value must be a series of its own, by its id (known keys of arrays: " + ", ".join(KEYS) + ")"
        )
    if not any(framed):
        return Arrays("array", {"X": items}, tuple(map(str, ids or ())))
    if not all(framed):
        other = type(items[framed.index(False)]).__name__
        raise DataError(
            f"{what} of frames: item {framed.index(False)} is of type {other}; pass frames only or arrays only"
        )
    return Tables("frames", (table_of_frames(items, ids=ids, source=f"{what} of frames"),))


def _of_mapping(source: Mapping[Any, Any], form: TableForm) -> tuple[Source, str]:
    """Return what keys of an `.npz` file, names of columns, or ids of series stand for."""
    keys = {str(key) for key in source}
    if keys & {"X", "values"} and (keys <= set(KEYS) or keys & {"y", "labels", "X_test"}):
        return _of_keys(source, form), "arrays"
    if {key.lower() for key in keys} & {*TIME_NAMES, *ID_NAMES}:
        try:
            frame = pd.DataFrame({key: unwrapped(value) for key, value in source.items()})
        except ValueError as error:
            raise DataError(f"dict: its keys name columns, which must be of one length ({error})") from error
        return _of_frame(frame, form), "frame"
    if not keys:
        raise DataError("dict: it is empty; pass series by id, or arrays by the keys " + ", ".join(KEYS))
    return _of_list(list(source.values()), ids=list(source)), "dict"


def _of_keys(content: Mapping[str, Any], form: TableForm) -> Source:
    """Return arrays by key; frames under `X` and `X_test` are read as frames."""
    key = "X" if content.get("X") is not None else "values"
    if content.get(key) is None:
        return Arrays("arrays", dict(content))
    train, _ = open_object(content[key], form=form)
    test = None if content.get("X_test") is None else open_object(content["X_test"], form=form)[0]
    if test is not None and type(test) is not type(train):
        raise DataError("X and X_test must be of the same form, both frames or both arrays")
    if isinstance(train, Arrays):
        parts = {name: part.content["X"] for name, part in ((key, train), ("X_test", test)) if isinstance(part, Arrays)}
        return Arrays("arrays", {**content, **parts}, train.ids)
    labels = content.get("y", content.get("labels"))
    if labels is not None:
        train = with_labels(train, labels)
    if test is not None and content.get("y_test") is not None:
        test = with_labels(test, content["y_test"])
    if not isinstance(train, Tables) or not isinstance(test, Tables):
        return train
    tables = tuple(replace(table, source=f"{table.source} (test)") for table in test.tables)
    return replace(train, test=replace(test, tables=tables))
