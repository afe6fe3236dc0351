"""Regression scores: folds against a loop with scikit-learn, known answers, and the probe in use."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.preprocessing import StandardScaler

from ahc.task_embedding import FEATURE_NAMES, embed_task
from downstream import evaluation, load_task
from downstream.cases import features
from downstream.kinds import task_kind
from downstream.probes.ridge import ALPHAS
from downstream.probes.spans import Spans
from downstream.regression import scoring as regression
from downstream.regression.ridge import TargetRidge
from downstream.regression.task import RegressionTask
from downstream.windows import Windows


def make_task(n: int = 60, n_test: int = 40, *, noise: float = 0.1, unit: float = 1.0) -> RegressionTask:
    """The target is the level of the first variate."""
    rng = np.random.default_rng(0)
    level = rng.normal(size=n + n_test)
    x = rng.normal(size=(n + n_test, 2, 30))
    x[:, 0] += level[:, None]
    y = unit * (level + noise * rng.normal(size=n + n_test)) + 100 * unit
    task = load_task((x[:n], y[:n], x[n:], y[n:]), kind="regression")
    assert isinstance(task, RegressionTask)
    return task


def level(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
    x = windows.gather()
    return np.stack([x.mean(axis=1), x.std(axis=1)], axis=2)


def test_validate_equals_a_loop_over_the_folds() -> None:
    task = make_task(50)
    score = regression.validate(task, level, rng_seed=3)
    x, y = StandardScaler().fit_transform(level(task.windows).reshape(50, -1)), task.labels
    rng, errors = np.random.default_rng(3), []

    def targets(of_fold: NDArray[np.floating]) -> NDArray[np.floating]:
        return (of_fold - of_fold.mean()) / of_fold.std()

    for _ in range(4):
        folds, predicted = rng.permutation(50) % 5, np.empty(50)
        for fold in range(5):
            held_out = folds == fold
            model = RidgeCV(alphas=ALPHAS).fit(x[~held_out], targets(y[~held_out]))
            predicted[held_out] = model.predict(x[held_out]) * y[~held_out].std() + y[~held_out].mean()
        errors.append(root_mean_squared_error(y, predicted))
    assert score.details["n_cases"] == 200
    assert score.value == pytest.approx(np.mean(errors), rel=1e-6)
    assert (score.metric, score.higher_is_better) == ("rmse", False)


def test_errors_are_in_the_unit_of_the_target() -> None:
    metres, millimetres = make_task(), make_task(unit=1000.0)
    one, other = regression.validate(metres, level), regression.validate(millimetres, level)
    assert other.value == pytest.approx(1000 * one.value, rel=1e-5)
    assert other.details["r2"] == pytest.approx(one.details["r2"], rel=1e-5)


def test_noise_explains_nothing() -> None:
    task = make_task(150)

    def wide_noise(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        return np.random.default_rng(1).normal(size=(windows.n, 2, 100)).astype(np.float32)

    score = regression.validate(task, wide_noise)
    assert score.details["r2"] < 0.05
    assert score.value == pytest.approx(task.labels.std(), rel=0.1)


def test_the_test_part_is_scored_by_a_ridge_on_all_training_cases() -> None:
    task = make_task()
    opened = task.open_test()
    scores = evaluation.score_test(task, opened, level)
    scaler = StandardScaler().fit(level(task.windows).reshape(60, -1))
    model = Ridge(alpha=float(scores.settings["ridge.alpha"]))
    model.fit(scaler.transform(level(task.windows).reshape(60, -1)), task.labels)
    predicted = model.predict(scaler.transform(level(opened.windows).reshape(40, -1)))
    expected = root_mean_squared_error(opened.labels, predicted)
    assert scores.value == scores.metrics["rmse"] == pytest.approx(expected, rel=1e-4)
    assert scores.metrics["r2"] == pytest.approx(r2_score(opened.labels, predicted), rel=1e-4)
    assert scores.metrics["mae"] == pytest.approx(np.abs(opened.labels - predicted).mean(), rel=1e-4)
    assert scores.protocol["n_windows"] == 40 and scores.protocol["scaler_rows"] == 1800


def test_baselines_know_the_mean_and_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "find_spec", lambda name: None)
    task = make_task()
    opened = task.open_test()
    rows = evaluation.baselines(task, opened)
    assert set(rows) == {"mean", "raw_series"}
    errors = opened.labels - task.labels.mean()
    assert rows["mean"].value == pytest.approx(np.sqrt((errors**2).mean()))
    assert rows["mean"].metrics["r2"] <= 0 < rows["raw_series"].metrics["r2"]


@pytest.mark.parametrize(("n", "d", "max_rank"), [(40, 6, None), (20, 50, None), (60, 50, 24)])
def test_the_linear_form_predicts_the_same(n: int, d: int, max_rank: int | None) -> None:
    rng = np.random.default_rng(0)
    x, y = 5 + rng.normal(size=(n, d)), 1e6 + rng.normal(size=n)
    for members in (None, np.arange(d) % 2):
        spans = Spans.of(x, members=members, weights=None if members is None else (3.0, 1.0))
        model = TargetRidge.fit(spans.rows, y, weights=spans.weights, max_rank=max_rank)
        weights, intercept = model.linear(spans)
        np.testing.assert_allclose(x @ weights + intercept, model.predict(spans.rows), rtol=1e-12)


def test_a_saved_probe_that_is_none_is_refused() -> None:
    restore = task_kind("regression").restore_predictor
    weights = torch.ones(3)
    for wrong in ({"weights": weights * float("nan")}, {"intercept": torch.ones(2)}, {"weights": torch.arange(3)}):
        with pytest.raises(ValueError, match="must be"):
            restore({}, {"weights": weights, "intercept": torch.ones(1), **wrong})


def test_two_cases_are_enough_to_be_scored() -> None:
    x = np.random.default_rng(0).normal(size=(2, 1, 12))
    task = load_task((x, [1.0, 2.0], x, [1.0, 2.0]), kind="regression")
    assert evaluation.validate(task, level).value == pytest.approx(1.0)  # each is predicted by the other


def test_an_embedding_has_no_column_for_this_kind() -> None:
    vector = embed_task(make_task())
    for name in FEATURE_NAMES:
        if name.startswith("kind_") or name == "log_classes":
            assert vector[FEATURE_NAMES.index(name)] == 0.0
