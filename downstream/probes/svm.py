"""The support vector machine with which TS2Vec scores its representations."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from downstream.probes.penalties import fit_best

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]
SVM_GRID: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3, 1e4, float("inf"))
MAX_CASES = 10_000
MAX_ITERATIONS = 1_000_000
"""Divided by K - 1 for K classes: the K (K - 1) / 2 pairs, of 2 / K of the cases each, take as long as two classes."""


def fit_svm(x: Floats, labels: Integers, *, rng_seed: int = 0) -> Any:
    """Fit an RBF machine; C by 5-fold search, infinity on small sets (TS2Vec, appendix).

    Small means fewer than 50 cases, or fewer than 5 per class on average. At most
    `MAX_CASES` cases are used. Deliberate differences: callers standardise the features;
    `MAX_ITERATIONS` is a tenth of TS2Vec's, which has none on small sets, and a C that
    does not end within it is left out: what can be told apart takes about two iterations per case,
    equal cases of different classes take for ever at an infinite C.

    Args:
        x: Features, (n, d).
        labels: Class numbers, (n,).
        rng_seed: Picks the subset above `MAX_CASES`.

    Returns:
        A fitted scikit-learn classifier; see `fit_best`.

    Raises:
        NoEndError: If none came to its end.
    """
    from sklearn.model_selection import StratifiedKFold, train_test_split
    from sklearn.svm import SVC

    n_classes = len(np.unique(labels))
    most = MAX_ITERATIONS // max(1, n_classes - 1)

    def new_model(c: float) -> SVC:
        return SVC(C=c, gamma="scale", decision_function_shape="ovr", max_iter=most)

    def ended(model: SVC) -> bool:
        return not model.fit_status_

    if len(labels) < 50 or len(labels) // n_classes < 5:
        return fit_best(new_model, x, labels, grid=SVM_GRID[-1:], ended=ended)
    if len(labels) > MAX_CASES:
        x, _, labels, _ = train_test_split(x, labels, train_size=MAX_CASES, random_state=rng_seed, stratify=labels)
    with warnings.catch_warnings():
        # A class with fewer than 5 cases is allowed here: the protocol looks at the average only.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        splits = list(StratifiedKFold(5).split(x, labels))
    return fit_best(new_model, x, labels, grid=SVM_GRID, splits=splits, ended=ended)
