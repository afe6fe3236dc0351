"""Scores of predictions, and the intervals in which they lie.

Every score takes the truth first and returns one float. Missing targets
(NaN) are left out of the two forecast errors; nowhere else is NaN allowed.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
Interval = tuple[float, float]

LEVEL = 0.95
"""Of all intervals: what another sample of as many cases might have shown."""
FEWEST = 4
"""Values of which an interval is told."""
_RESAMPLES = 1000


def _same_shape(truth: Floats | Integers, predicted: Floats | Integers, *, where: str) -> None:
    if truth.shape != predicted.shape:
        raise ValueError(f"{where}: truth and prediction must agree in shape, got {truth.shape} and {predicted.shape}")


def mse(truth: Floats, predicted: Floats) -> float:
    """Mean squared error over the observed targets; NaN when there are none."""
    _same_shape(truth, predicted, where="mse")
    errors = (np.asarray(predicted, dtype=np.float64) - truth)[np.isfinite(truth)]
    return float(np.mean(errors**2)) if errors.size else float("nan")


def mae(truth: Floats, predicted: Floats) -> float:
    """Mean absolute error over the observed targets; NaN when there are none."""
    _same_shape(truth, predicted, where="mae")
    errors = (np.asarray(predicted, dtype=np.float64) - truth)[np.isfinite(truth)]
    return float(np.mean(np.abs(errors))) if errors.size else float("nan")


def accuracy(truth: Integers, predicted: Integers) -> float:
    """Share of cases with the right class."""
    _same_shape(truth, predicted, where="accuracy")
    return float(np.mean(truth == predicted))


def _confusion(truth: Integers, predicted: Integers) -> Floats:
    """Return how often each class that occurs (rows) was predicted as each (columns), (n_classes, n_classes)."""
    classes, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    table = np.zeros((len(classes), len(classes)))
    np.add.at(table, (codes[: len(truth)], codes[len(truth) :]), 1.0)
    return table


def balanced_accuracy(truth: Integers, predicted: Integers) -> float:
    """Mean recall over the classes that occur in the truth."""
    _same_shape(truth, predicted, where="balanced_accuracy")
    table = _confusion(truth, predicted)
    n_true = table.sum(axis=1)
    return float(np.mean(table.diagonal()[n_true > 0] / n_true[n_true > 0]))


def macro_f1(truth: Integers, predicted: Integers) -> float:
    """Mean F1 over the classes that occur in truth or prediction."""
    _same_shape(truth, predicted, where="macro_f1")
    table = _confusion(truth, predicted)
    return float(np.mean(2 * table.diagonal() / (table.sum(axis=1) + table.sum(axis=0))))


def auc_pr(truth: Integers, scores: Floats) -> float:
    """Area under the precision-recall steps (average precision); ties share one threshold.

    Args:
        truth: 1 for positives, else 0, (n,).
        scores: Larger = more likely positive, (n,).

    Returns:
        A number in 0..1; NaN when there is no positive.
    """
    _same_shape(truth, scores, where="auc_pr")
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    ranked = np.asarray(scores, dtype=np.float64)[order]
    is_last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    hits = np.cumsum(np.asarray(truth)[order] == 1)[is_last_of_tie].astype(np.float64)
    if hits.size == 0 or hits[-1] == 0:
        return float("nan")
    precision = hits / (np.flatnonzero(is_last_of_tie) + 1)
    gained_recall = np.diff(hits, prepend=0.0) / hits[-1]
    return min(float(precision @ gained_recall), 1.0)  # a sum of shares may round up


def auprc(truth: Integers, scores: Floats) -> float:
    """Mean one-against-rest average precision over the classes that occur in the truth.

    Args:
        truth: Class codes 0..n_classes-1, (n,).
        scores: Larger = more likely, (n, n_classes).

    Raises:
        ValueError: If the scores do not have one row per case.
    """
    if scores.ndim != 2 or len(scores) != len(truth):
        raise ValueError(f"auprc: scores must be (n, n_classes) with n = {len(truth)}, got {scores.shape}")
    values = [auc_pr((truth == code).astype(np.int64), scores[:, code]) for code in np.unique(truth)]
    return float(np.mean(values))


def share_interval(n_right: int, n: int) -> Interval:
    """Return the interval of a share, of cases right among cases (Wilson 1927)."""
    from scipy import stats  # which takes long to import

    found = stats.binomtest(n_right, n).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


def resampled_interval(values: Floats, figure: Callable[..., Floats]) -> Interval | None:
    """Return the interval of a figure of cases, from cases drawn again (percentiles of the bootstrap, Efron 1979).

    Args:
        values: Of each case, (n,).
        figure: The figure of cases along an `axis`.

    Returns:
        None where there are too few cases.
    """
    if len(values) < FEWEST:
        return None
    from scipy import stats  # which takes long to import

    how = {"confidence_level": LEVEL, "n_resamples": _RESAMPLES, "method": "percentile", "batch": 50}
    found = stats.bootstrap((values,), figure, rng=np.random.default_rng(0), **how).confidence_interval
    return float(found.low), float(found.high)


def mean_interval(values: Sequence[float], *, center: float | None = None) -> Interval | None:
    """Return the interval of the mean of a few values that do not know of each other (Student's t).

    Args:
        values: Such as one for each series, or for each stretch of time that is longer than what binds its steps
            (batch means).
        center: What it lies around; by default their mean.

    Returns:
        None where there are too few values.
    """
    if len(values) < FEWEST:
        return None
    from scipy import stats  # which takes long to import

    around = float(np.mean(values)) if center is None else center
    reach = float(stats.t.ppf((1.0 + LEVEL) / 2.0, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return around - reach, around + reach
