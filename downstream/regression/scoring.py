"""Scores of a representation on a regression task: errors in the unit of the target.

One probe serves validation and test: ridge in closed form on standardised features. Validation predicts every
training case by a probe that has not seen it, over repeated folds; the test part is scored with the probe
fitted on all training cases.

Arguments of `validate` and `score_test` are those of `evaluation`.
"""

import numpy as np
from numpy.typing import NDArray

from downstream.cases.folds import N_FOLDS, drawn_folds, score_folds
from downstream.cases.spans import spans_of
from downstream.cases.task import LabelledWindows
from downstream.metrics import mae, mse, resampled_interval
from downstream.probes.spans import Spans
from downstream.regression.ridge import TargetRidge
from downstream.regression.task import RegressionTask
from downstream.represent import Represent, features_of
from downstream.scores import Score, Scores

Floats = NDArray[np.floating]


def errors_of(truth: Floats, predicted: Floats) -> dict[str, float]:
    """Return `rmse`, `mae` and `r2`, the share of the truth's variance that is explained; NaN where it has none."""
    error, variance = mse(truth, predicted), float(np.var(truth))
    r2 = 1.0 - error / variance if variance > 0 else float("nan")
    return {"rmse": float(np.sqrt(error)), "mae": mae(truth, predicted), "r2": r2}


def draw_folds(y: Floats, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a fold number for each case, at random, (n,)."""
    return rng.permutation(len(y)) % min(N_FOLDS, len(y))


def validate(task: RegressionTask, represent: Represent, *, rng_seed: int = 0) -> Score:
    """Return the root mean squared error over repeated folds of the training cases, mean over repeats.

    The encoder has seen these cases without targets, as have the means and deviations of features; the probe of a fold
    has not seen them at all, and its penalty comes from leave-one-out errors inside the other folds. All candidates get
    the same folds.

    Returns:
        The error, and the prediction for each case, (n, 1); details: `mae`, `r2`, `noise`, and those of `score_folds`.
    """
    return held_out_scores(task, spans_of(represent, task.windows), rng_seed=rng_seed)


def held_out_scores(task: RegressionTask, spans: Spans, *, rng_seed: int) -> Score:
    """Return what `validate` does, of features already there."""
    y = task.labels

    def predict(held_out: NDArray[np.bool_]) -> tuple[Floats, bool]:
        model = TargetRidge.fit([own[~held_out] for own in spans.rows], y[~held_out], weights=spans.weights)
        return model.predict([own[held_out] for own in spans.rows])[:, None], model.on_edge

    def figures(truth: Floats, said: Floats) -> dict[str, float]:
        return _held_out_figures(truth, said[:, 0])

    folds = task.folds or drawn_folds(y, draw_folds, rng_seed=rng_seed)
    return score_folds(task.spec, y, folds=folds, predict=predict, figures=figures)


def held_out_score(task: RegressionTask, said: Floats) -> Score:
    """Return the root mean squared error, its noise, and `mae` and `r2` of what was said of cases held out, (n, 1)."""
    figures = _held_out_figures(task.labels, said[:, 0])
    return Score.of(task.spec, figures.pop("rmse"), figures)


def held_out_losses(task: RegressionTask, said: Floats) -> Floats:
    """Return the squared error of what was said of each case held out, (n, 1), in variances of the target, (n,)."""
    losses: Floats = (task.labels - said[:, 0]) ** 2 / max(float(np.var(task.labels)), 1e-300)
    return losses


def folds_tell(task: RegressionTask) -> bool:
    """Return True: what holds for four cases in five holds for all."""
    del task
    return True


def _held_out_figures(truth: Floats, predicted: Floats) -> dict[str, float]:
    errors = errors_of(truth, predicted)
    spread = float(np.std((truth - predicted) ** 2)) / np.sqrt(len(truth))  # of the mean squared error
    return {**errors, "noise": spread / (2.0 * errors["rmse"]) if errors["rmse"] > 0 else 0.0}


def score_test(task: RegressionTask, opened: LabelledWindows, represent: Represent, *, rng_seed: int = 0) -> Scores:
    """Fit the ridge on all training cases and score it on all test cases.

    Returns:
        `rmse`, `mae` and `r2`.
    """
    del rng_seed
    return _score(task, opened, spans_of(represent, task.windows), features_of(represent, opened.windows))


def score_features(
    task: RegressionTask, opened: LabelledWindows, x: Floats, new: Floats, *, exact: bool = False
) -> Scores:
    """Score given features of training and test cases, (n, d) and (n_test, d), as `score_test` does.

    Args:
        task: The task.
        opened: What its `open_test()` returned.
        x: Features of training cases.
        new: Features of test cases.
        exact: Never project many features of many cases, however long that takes.
    """
    return _score(task, opened, Spans.of(x), new, **({"max_rank": None} if exact else {}))


def _score(task: RegressionTask, opened: LabelledWindows, spans: Spans, new: Floats, **how: None) -> Scores:
    model = TargetRidge.fit(spans.rows, task.labels, weights=spans.weights, **how)
    settings = {"ridge.alpha": model.alphas}
    return score_predictions(task, opened, model.predict(spans(new)), settings=settings)


def score_predictions(
    task: RegressionTask, opened: LabelledWindows, predicted: Floats, *, settings: dict[str, str]
) -> Scores:
    """Score given predictions for the test cases, (n_test,)."""
    figures = errors_of(opened.labels, predicted)
    interval = resampled_interval((opened.labels - predicted) ** 2, _root_mean)
    facts = task.protocol_facts(opened)
    return Scores.of(task.spec, figures, settings=settings, protocol=facts, interval=interval)


def _root_mean(squares: Floats, axis: int = -1) -> Floats:
    root: Floats = np.sqrt(squares.mean(axis=axis))
    return root
