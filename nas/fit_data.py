"""What a user passes to the estimator, as a task to fit on."""

from typing import Any

from downstream.data import load_task
from downstream.data.options import Layout
from downstream.kinds import task_kind
from downstream.task import Task


def fit_task(
    X: Any, y: Any, *, kind: str, window: int | None, horizons: tuple[int, ...] | None, layout: Layout
) -> Task:
    """Return the task to fit on.

    Data in memory is for training and validation, all of it. A path is read as `tscnas search` does: the test part
    that lies beside the training part, or is split off it, takes no part in fitting.

    Args:
        X: Arrays, a list of arrays, a DataFrame, or a path.
        y: Labels of cases, where the kind needs them.
        kind: Of the task.
        window: Lookback of the encoder; None chooses.
        horizons: Forecast lengths; None chooses.
        layout: Axes of arrays.

    Raises:
        DataError: If the data is at fault, or labels are missing where they are needed.
    """
    if isinstance(X, str) or hasattr(X, "__fspath__"):
        return load_task(X, kind=kind, window=window, horizons=horizons, layout=layout)
    all_of_it = task_kind(kind).all_for_fitting
    return load_task(X, kind=kind, y=y, window=window, horizons=horizons, layout=layout, **all_of_it).without_test()
