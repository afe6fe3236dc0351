"""What `fit` and `predict` are given, as a task and as series; what cannot be read is said in scikit-learn's words."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from sklearn.exceptions import DataConversionWarning

from downstream.data.loading import load_plain_series, load_task
from downstream.data.options import TableForm
from downstream.data.raw import SeriesSet
from downstream.errors import DataError
from downstream.kinds import task_kind
from downstream.task import Task
from nas.errors import OptionError
from nas.saved.encoder import SavedEncoder
from nas.saved.matching import only_known


def task_to_fit(X: Any, y: Any, plain: Mapping[str, Any]) -> Task:
    """Return the task to fit on; a path is read as `tscnas search` does, of other data there is no test part.

    Args:
        X: As for `fit`.
        y: As for `fit`.
        plain: Parameters of the estimator, as `plain_parameters` gives them.

    Raises:
        DataError: If the data is at fault.
    """
    asked = {name: plain[name] for name in ("kind", "window", "target", "variates", "protocol", "layout")}
    asked["horizons"] = plain["horizon"] or plain["horizons"]
    asked |= {"split_file": plain["splits"], "folds_seed": plain["rng_seed"]}
    asked |= checked_form(plain["table_form"])
    if isinstance(X, str | os.PathLike):
        return load_task(X, y=y, **asked)
    _check_arrays(X, kind=plain["kind"])
    y = _checked_target(X, y, kind=plain["kind"])
    usual = task_kind(plain["kind"]).all_for_fitting
    if plain["splits"] is not None:
        usual = {name: value for name, value in usual.items() if name != "splits"}
    return load_task(X, y=y, **asked, **usual).without_test()


def known_series(X: Any, *, kind: str, asked: Mapping[str, Any], saved: SavedEncoder) -> SeriesSet:
    """Return data with the columns that an encoder was trained on; `asked` are arguments of `load_plain_series`.

    Raises:
        DataError: If the data is at fault, or has other columns.
    """
    _check_arrays(X, kind=kind)
    return only_known(load_plain_series(X, kind=kind, known=saved.identity.columns or None, **asked), saved)


def checked_form(form: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how tables are written, as arguments of `load_task` and `load_plain_series`.

    Raises:
        OptionError: If it is no mapping, or names something else.
    """
    if form is None:
        return {}
    known = {each.name for each in fields(TableForm)}
    if not isinstance(form, Mapping) or not set(form) <= known:
        raise OptionError(f"table_form: must be a mapping with any of {', '.join(sorted(known))}, got {form!r}")
    return dict(form)


def _check_arrays(X: Any, *, kind: str) -> None:
    """Check an array; other containers are checked where they are read.

    Raises:
        DataError: If it is complex, has no columns, or is one row where there should be cases.
    """
    if not isinstance(X, np.ndarray):
        return
    if np.iscomplexobj(X):
        raise DataError("Complex data not supported: pass the real and the imaginary part as two variates")
    if X.ndim > 1 and X.shape[-1] == 0:
        raise DataError(f"array: 0 feature(s) (shape={X.shape}) while a minimum of 1 is required.")
    if X.ndim == 1 and X.dtype.kind in "fiub" and task_kind(kind).whole_cases:
        raise DataError(
            f"array: cases must have 2 or 3 axes, got shape {X.shape}. Reshape your data: one case is X[None]"
        )


def _checked_target(X: Any, y: Any, *, kind: str) -> Any:
    """Return what was passed beside the data of `fit`, a column of shape (n, 1) as the labels that it holds.

    Raises:
        DataError: If an array of cases has none, or is one case.
    """
    if isinstance(X, np.ndarray) and task_kind(kind).whole_cases:
        if y is None:
            raise DataError("array: fit requires y to be passed, but the target y is None; cases need their labels")
        if len(X) == 1:
            raise DataError("array: it holds 1 sample; fitting needs at least 2")
    if isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected; its values are taken",
            DataConversionWarning,
            stacklevel=3,
        )
        return y[:, 0]
    return y
