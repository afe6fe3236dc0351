"""The support vector machine with which TS2Vec scores its representations."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]
SVM_GRID: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3, 1e4, float("inf"))
MAX_CASES = 10_000


def fit_svm(x: Floats, labels: Integers, *, rng_seed: int = 0) -> Any:
    """Fit an RBF machine; C by 5-fold search, infinity on small sets (TS2Vec, appendix).

    Small means fewer than 50 cases, or fewer than 5 per class on average. At most
    `MAX_CASES` cases are used. Deliberate difference: callers standardise the features.

    Args:
        x: Features, (n, d).
        labels: Class numbers, (n,).
        rng_seed: Picks the subset above `MAX_CASES`.

    Returns:
        A fitted scikit-learn classifier.
    """
    from sklearn.model_selection import GridSearchCV, train_test_split
    from sklearn.svm import SVC

    n_classes = len(np.unique(labels))
    if len(labels) < 50 or len(labels) // n_classes < 5:
        return SVC(C=float("inf"), gamma="scale", decision_function_shape="ovr").fit(x, labels)
    if len(labels) > MAX_CASES:
        x, _, labels, _ = train_test_split(x, labels, train_size=MAX_CASES, random_state=rng_seed, stratify=labels)
    machine = SVC(gamma="scale", decision_function_shape="ovr", max_iter=10_000_000)
    with warnings.catch_warnings():
        # A class with fewer than 5 cases is allowed here: the protocol looks at the average only.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return GridSearchCV(machine, {"C": list(SVM_GRID)}, cv=5).fit(x, labels)
