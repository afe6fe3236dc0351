"""The closed-form classifier, logistic regression, the SVM and neighbours against scikit-learn and loops."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import RidgeClassifierCV
from sklearn.preprocessing import StandardScaler

from downstream.probes.knn import nearest
from downstream.probes.linear import RidgeClassifier, Standardizer, fit_logistic, leave_one_out_errors
from downstream.probes.ridge import RidgePath
from downstream.probes.svm import fit_svm


def _cases(
    n: int = 90, d: int = 10, n_classes: int = 3, *, rng_seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(rng_seed)
    labels = np.arange(n) % n_classes
    return rng.normal(size=(n, d)) + 0.8 * rng.normal(size=(n_classes, d))[labels], labels


@pytest.mark.parametrize(("n", "d", "n_classes"), [(90, 10, 3), (40, 100, 4), (80, 6, 2)])
def test_ridge_classifier_equals_sklearn(n: int, d: int, n_classes: int) -> None:
    x, labels = _cases(n, d, n_classes)
    alphas = (0.1, 1.0, 10.0, 100.0)
    oracle = RidgeClassifierCV(alphas=alphas).fit(x, labels)
    ours = RidgeClassifier.fit(x, labels, alphas=alphas)
    new, _ = _cases(50, d, n_classes, rng_seed=1)
    assert ours.ridge.alpha == oracle.alpha_
    expected = oracle.decision_function(new)
    scores = ours.decision(new)
    np.testing.assert_allclose(scores[:, 1] if n_classes == 2 else scores, expected, atol=1e-6)
    np.testing.assert_array_equal(ours.predict(new), oracle.predict(new))


@pytest.mark.parametrize(("n", "d"), [(25, 4), (10, 15)])
def test_leave_one_out_equals_the_loop(n: int, d: int) -> None:
    x, labels = _cases(n, d)
    rows, targets = torch.as_tensor(x), torch.as_tensor(np.eye(3)[labels])
    fast = leave_one_out_errors(RidgePath.from_rows(rows, targets), rows, targets, alphas=(0.5, 5.0))
    for error, alpha in zip(fast, (0.5, 5.0), strict=True):
        loop = []
        for i in range(n):
            others = np.arange(n) != i
            path = RidgePath.from_rows(rows[others], targets[others])
            loop.append(((path.predict(rows[i : i + 1], alpha=alpha) - targets[i]) ** 2).mean())
        np.testing.assert_allclose(error, torch.stack(loop).mean(), rtol=1e-6)


def test_projection_keeps_separable_classes_apart() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    x = rng.normal(size=(80, 60)) + 2.0 * rng.normal(size=(2, 60))[labels]
    model = RidgeClassifier.fit(x[:60], labels[:60], max_rank=24)
    assert model.ridge.projection is not None
    assert model.ridge.projection.shape == (60, 24)
    assert np.mean(model.predict(x[60:]) == labels[60:]) > 0.9


def test_five_folds_of_many_classes_are_fast() -> None:
    x, labels = _cases(800, 256, 52)
    started = time.process_time()
    RidgeClassifier.fit(x, labels)
    assert time.process_time() - started < 1.0


def test_standardizer_equals_sklearn_and_keeps_constants() -> None:
    x = np.column_stack([_cases()[0] * 3 + 1, np.full(90, 0.1)])
    np.testing.assert_allclose(Standardizer.fit(x)(x), StandardScaler().fit_transform(x), atol=1e-9)


def test_logistic_and_svm_find_a_clear_rule_and_know_small_sets() -> None:
    x, labels = _cases(120, 5)
    for fit in (fit_logistic, fit_svm):
        fitted = fit(x[:90] * 3, labels[:90])
        assert np.mean(fitted.predict(x[90:] * 3) == labels[90:]) > 0.6
    assert np.isinf(fit_svm(x[:40], labels[:40]).C)
    assert fit_svm(x[:90], labels[:90]).C in (1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1e3, 1e4, np.inf)
    assert fit_logistic(x[:4], np.array([0, 1, 1, 1])).C == 1.0


def test_svm_takes_at_most_the_allowed_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("downstream.probes.svm.MAX_CASES", 60)
    x, labels = _cases(90, 4)
    assert fit_svm(x, labels).shape_fit_ == (60, 4)


def test_nearest_equals_the_naive_loop_in_blocks() -> None:
    rng = np.random.default_rng(0)
    x, reference = rng.normal(size=(11, 3)), rng.normal(size=(7, 3))
    excluded = rng.random((11, 7)) < 0.3
    distances, indices = nearest(x, reference, k=2, excluded=excluded, block=4)
    for i in range(11):
        all_distances = np.linalg.norm(reference - x[i], axis=1)
        all_distances[excluded[i]] = np.inf
        np.testing.assert_allclose(distances[i], np.sort(all_distances)[:2], rtol=1e-4)
        assert indices[i, 0] == np.argmin(all_distances)
    assert nearest(x[:0], reference)[0].shape == (0, 1)


def test_errors_are_clear() -> None:
    with pytest.raises(ValueError, match=r"at least two classes, got \[1\]"):
        RidgeClassifier.fit(np.zeros((3, 2)), np.array([1, 1, 1]))
    with pytest.raises(ValueError, match=r"k must be in 1\.\.2"):
        nearest(np.zeros((3, 2)), np.zeros((2, 2)), k=3)
