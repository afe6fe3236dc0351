"""The search over penalties: that of scikit-learn where every fit ends, and an end where one does not."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from downstream.probes import penalties
from downstream.probes.linear import LOGISTIC_GRID, fit_logistic
from downstream.probes.penalties import NoEndError, fit_best
from downstream.probes.svm import SVM_GRID, fit_svm


def cases(n: int, d: int, *, rng_seed: int, n_classes: int = 2, apart: float = 0.6) -> tuple[NDArray[Any], ...]:
    rng = np.random.default_rng(rng_seed)
    labels = rng.permutation(np.arange(n) % n_classes)
    return rng.normal(size=(n, d)) + apart * rng.normal(size=(n_classes, d))[labels], labels


@pytest.mark.parametrize("rng_seed", range(6))
def test_where_all_ends_it_is_the_grid_search_of_sklearn(rng_seed: int) -> None:
    x, labels = cases(60 + 15 * rng_seed, 4 + 9 * rng_seed, rng_seed=rng_seed, n_classes=2 + rng_seed % 3)
    new, _ = cases(25, x.shape[1], rng_seed=99)
    inner = StratifiedKFold(5, shuffle=True, random_state=0)
    pairs = [
        (fit_svm, GridSearchCV(SVC(max_iter=10_000_000), {"C": list(SVM_GRID)}, cv=5)),
        (fit_logistic, GridSearchCV(LogisticRegression(max_iter=1000), {"C": list(LOGISTIC_GRID)}, cv=inner)),
    ]
    for fit, oracle in pairs:
        ours = fit(x, labels)
        assert oracle.fit(x, labels).best_params_ == {"C": ours.C} and ours.stopped_ == ""
        np.testing.assert_array_equal(ours.decision_function(new), oracle.decision_function(new))


def test_a_class_of_one_case_leaves_nothing_to_choose_by() -> None:
    x, _ = cases(60, 4, rng_seed=0)
    lonely = fit_svm(x, np.eye(60, dtype=np.int64)[7])
    assert lonely.get_params()["C"] == SVM_GRID[0]


def test_many_classes_of_few_cases_warn_nobody(recwarn: pytest.WarningsRecorder) -> None:
    x, labels = cases(36, 4, rng_seed=0, n_classes=20)
    fit_logistic(x, labels)
    fit_svm(x, labels)
    assert [str(one.message) for one in recwarn if "unique classes" in str(one.message)] == []


@pytest.mark.parametrize("n", [41, 61])
def test_equal_cases_of_different_classes_have_an_end(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("downstream.probes.svm.MAX_ITERATIONS", 20_000)
    x, labels = cases(n, 3, rng_seed=0, apart=0.0)
    x, labels = np.concatenate([x, x]), np.concatenate([labels, 1 - labels])
    model = fit_svm(x, labels)
    assert np.isfinite(model.C) and model.stopped_.endswith("left out: the fit came to no end in 20,000 iterations")
    again = fit_svm(x, labels)
    np.testing.assert_array_equal(again.dual_coef_, model.dual_coef_)
    with pytest.raises(NoEndError, match="no end in 20,000 iterations"):
        fit_svm(x[[0, 1, n, n + 1]], labels[[0, 1, n, n + 1]])


def test_iterations_are_shared_out_among_the_classes() -> None:
    x, labels = cases(100, 5, rng_seed=0, n_classes=5)
    assert fit_svm(x, labels).max_iter == 250_000


class Slow(LogisticRegression):
    """Takes longer than there is from C = 1 on."""

    def fit(self, x: Any, y: Any) -> Any:
        if self.C >= 1.0:
            time.sleep(2.0)
        return super().fit(x, y)


def test_what_takes_too_long_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penalties, "MOST_SECONDS", 1.0)
    x, labels = cases(40, 5, rng_seed=0)
    splits = list(StratifiedKFold(2).split(x, labels))
    began = time.monotonic()
    model = fit_best(lambda c: Slow(C=c), x, labels, grid=(0.1, 1.0, 10.0), splits=splits)
    assert time.monotonic() - began < 6.0
    assert (model.C, model.stopped_) == (0.1, "C > 0.1 left out: the fit came to no end in 1 s")
    with pytest.raises(NoEndError, match="no end in 1 s"):
        fit_best(lambda c: Slow(C=c), x, labels, grid=(1.0,))


class Seen(LogisticRegression):
    """Remembers how many cases it was fitted on."""

    def fit(self, x: Any, y: Any) -> Any:
        self.n_ = len(y)
        return super().fit(x, y)


def test_where_the_best_does_not_end_on_all_cases_a_smaller_one_is_taken() -> None:
    labels = np.array([0, 0, 0, 1] * 10)
    x = np.random.default_rng(0).normal(size=(40, 3)) + 4.0 * labels[:, None]
    splits = list(StratifiedKFold(2).split(x, labels))
    how: dict[str, Any] = {"grid": (1e-9, 0.1), "splits": splits}
    assert fit_best(lambda c: Seen(C=c), x, labels, **how).C == 0.1
    model = fit_best(lambda c: Seen(C=c), x, labels, ended=lambda model: model.n_ < 40 or model.C < 0.1, **how)
    assert (model.C, model.stopped_) == (1e-9, "C > 1e-09 left out: the fit came to no end in 100 iterations")


def test_a_logistic_regression_says_that_its_iterations_were_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("downstream.probes.linear.MAX_ITERATIONS", 2)
    x, labels = cases(60, 20, rng_seed=0)
    assert fit_logistic(x, labels).stopped_ == "after 2 iterations"
