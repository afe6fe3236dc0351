"""Scores of predictions.

Every function takes the truth first and returns one float. Missing targets
(NaN) are left out of the two forecast errors; nowhere else is NaN allowed.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]


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
