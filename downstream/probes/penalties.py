"""The search for the penalty of a probe that is fitted step by step, and which might never come to an end."""

import math
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.interruptible import interruptible
from compute.user_error import DATA, UserError

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]
Split = tuple[Integers, Integers]

MOST_SECONDS = 1800.0
"""Wall time of a search over penalties, and once more of the fits to all cases that follow it: minutes for the largest
sets that are known to end."""


class NoEndError(UserError, RuntimeError):
    """A probe did not come to an end within the iterations and the time that it has."""

    exit_status = DATA


def fit_best(
    new_model: Callable[[float], Any],
    x: Floats,
    labels: Integers,
    *,
    grid: Sequence[float],
    splits: Sequence[Split] = (),
    ended: Callable[[Any], bool] = lambda model: True,
) -> Any:
    """Fit, to all cases, the model whose C is the most accurate one over the splits; of equals the least.

    A larger C takes longer. So the first one that does not end is left out with all above it; where the best does not
    end on all cases, the best of the smaller ones is taken. Signals are heeded. The search has `MOST_SECONDS`, as have
    all fits that follow it.

    Args:
        new_model: Returns an unfitted scikit-learn classifier of a given C, with a bound on its iterations.
        x: Features, (n, d).
        labels: Class numbers, (n,).
        grid: Values of C, ascending.
        splits: Rows to fit on and rows to score; without any, the least C is taken.
        ended: Whether a fitted model came to its end.

    Returns:
        The classifier; `stopped_` says what was left out, and is empty where nothing was.

    Raises:
        NoEndError: If no model came to its end.
    """

    from sklearn.exceptions import ConvergenceWarning

    def fitted(c: float, rows: Any, *, ends: float) -> Any:
        seconds = ends - time.monotonic()
        try:
            model = interruptible(lambda: new_model(c).fit(x[rows], labels[rows]), seconds=seconds)
        except TimeoutError:
            raise NoEndError(f"the fit came to no end in {MOST_SECONDS:g} s") from None
        if not ended(model):
            raise NoEndError(f"the fit came to no end in {model.max_iter:,} iterations")
        return model

    def accuracy(c: float, train: Integers, test: Integers, *, ends: float) -> float:
        if len(np.unique(labels[train])) < 2:
            return math.nan
        model = fitted(c, train, ends=ends)
        return float(np.mean(interruptible(lambda: model.predict(x[test])) == labels[test]))

    accuracies, why = {}, ""
    ends = time.monotonic() + MOST_SECONDS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `ended` and `stopped_` are for that
        warnings.filterwarnings("ignore", message="The number of unique classes is greater", category=UserWarning)
        for c in grid:
            try:
                of_splits = [accuracy(c, train, test, ends=ends) for train, test in splits]
            except NoEndError as problem:
                why = str(problem)
                break
            accuracies[c] = float(np.mean(of_splits)) if splits else 0.0
        ends = time.monotonic() + MOST_SECONDS
        while accuracies:
            # a split whose training rows are all of one class has no figure, whatever C is
            best = max(accuracies, key=lambda c: np.nan_to_num(accuracies[c], nan=-1.0))
            try:
                model = fitted(best, slice(None), ends=ends)
            except NoEndError as problem:
                why = str(problem)
                accuracies = {c: value for c, value in accuracies.items() if c < best}
            else:
                model.stopped_ = f"C > {max(accuracies):g} left out: {why}" if why else ""
                return model
    raise NoEndError(why)
