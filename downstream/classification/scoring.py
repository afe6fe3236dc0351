"""Scores of a representation on a classification task.

Validation uses one fast probe for every candidate: a closed-form ridge classifier on
standardised features, over stratified folds of the training cases. The test part is
scored with logistic regression and the support vector machine of TS2Vec (and, for
reference, with the ridge and the nearest neighbour), all fitted on all training cases.
A probe that is not wanted, or comes to no end, is left out, which the settings say.

Arguments of `validate` and `score_test` are those of `evaluation`.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from downstream import metrics
from downstream.cases.folds import N_FOLDS, score_folds
from downstream.cases.task import LabelledWindows
from downstream.classification.probes import PROBES, Predicted, predict_ridge
from downstream.classification.task import ClassificationTask
from downstream.probes.linear import RidgeClassifier, Standardizer
from downstream.probes.penalties import NoEndError
from downstream.represent import Represent, features_of
from downstream.scores import HEADLINE, Score, Scores

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]
HEADLINES = ("svm", "logistic", "ridge")
"""Probes whose accuracy is the headline, the first one that is there; the last one, a closed form, always is."""


def stratified_folds(labels: Integers, *, rng: np.random.Generator, n_folds: int = N_FOLDS) -> Integers:
    """Return a fold number for each case, the cases of a class spread evenly, (n,).

    There are as many folds as the smallest class has cases, at least 2 and at most `n_folds`. The only
    case of a class is scored in its fold by a probe that never saw the class: an honest error.
    """
    sizes = np.unique(labels, return_counts=True)[1]
    n_folds = int(np.clip(sizes.min(), 2, n_folds))
    folds = np.empty(len(labels), dtype=np.int64)
    offset = 0
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        # The running offset keeps the folds equal in size where classes are small.
        folds[members] = (np.arange(len(members)) + offset) % n_folds
        offset += len(members)
    return folds


def validate(task: ClassificationTask, represent: Represent, *, rng_seed: int = 0) -> Score:
    """Return the mean accuracy over repeated stratified folds of the training cases.

    The encoder has seen these cases without labels; the probe of a fold has not seen them at all, and
    its penalty comes from leave-one-out errors inside the other folds. All candidates get the same folds.

    Returns:
        The accuracy; details: `balanced_accuracy`, and those of `score_folds`.
    """
    x, labels = features_of(represent, task.windows), task.labels

    def predict(held_out: NDArray[np.bool_]) -> tuple[Integers, bool]:
        training = labels[~held_out]
        if len(np.unique(training)) < 2:
            return np.full(int(held_out.sum()), training[0]), False
        standardize = Standardizer.fit(x[~held_out])
        model = RidgeClassifier.fit(standardize(x[~held_out]), training)
        return model.predict(standardize(x[held_out])), model.ridge.on_edge

    return score_folds(
        task.spec,
        labels,
        draw=lambda rng: stratified_folds(labels, rng=rng),
        predict=predict,
        figures=lambda truth, predicted: {
            "accuracy": metrics.accuracy(truth, predicted),
            "balanced_accuracy": metrics.balanced_accuracy(truth, predicted),
        },
        rng_seed=rng_seed,
    )


def score_test(task: ClassificationTask, opened: LabelledWindows, represent: Represent, *, rng_seed: int = 0) -> Scores:
    """Fit every probe on all training cases and score it on all test cases.

    Returns:
        `accuracy/P`, `macro_f1/P`, `auprc/P` for the probes P `logistic`, `svm`, `ridge` and `knn` (accuracy and
        F1 only). The headline is the accuracy with the SVM, which published figures use; where that is left out,
        with the next of `HEADLINES`, which the settings name as `headline`.
    """
    x, new = features_of(represent, task.windows), features_of(represent, opened.windows)
    return score_features(task, opened, x, new, rng_seed=rng_seed)


def score_features(
    task: ClassificationTask, opened: LabelledWindows, x: Floats, new: Floats, *, rng_seed: int = 0
) -> Scores:
    """Score given features of training and test cases, (n, d) and (n_test, d), as `score_test` does."""
    standardize = Standardizer.fit(x)
    x, new = standardize(x), standardize(new)
    predicted, left_out = {}, {}
    for name, probe in PROBES.items():
        if name in task.unwanted_probes:
            left_out[name] = "left out, as asked"
            continue
        try:
            predicted[name] = probe(x, task.labels, new, rng_seed=rng_seed)
        except NoEndError as problem:
            left_out[name] = f"left out: {problem}"
    headline = next(name for name in HEADLINES if name in predicted)
    if headline != HEADLINES[0]:
        left_out[HEADLINE] = f"accuracy/{headline} ({HEADLINES[0]} {left_out[HEADLINES[0]]})"
    return _scores(task, opened, predicted, headline=headline, left_out=left_out)


def score_ridge(task: ClassificationTask, opened: LabelledWindows, x: Floats, new: Floats) -> Scores:
    """Score given features with the ridge classifier only: what MiniRocket's thousands of features are made for."""
    standardize = Standardizer.fit(x)
    predicted = predict_ridge(standardize(x), task.labels, standardize(new), max_rank=None)
    return _scores(task, opened, {"ridge": predicted}, headline="ridge", left_out={})


def _scores(
    task: ClassificationTask,
    opened: LabelledWindows,
    predicted: Mapping[str, Predicted],
    *,
    headline: str,
    left_out: Mapping[str, str],
) -> Scores:
    figures: dict[str, float] = {}
    settings = dict(left_out)
    for name, answer in predicted.items():
        figures |= {f"{metric}/{name}": value for metric, value in _figures(opened.labels, answer).items()}
        settings |= {f"{name}.{setting}": value for setting, value in answer.settings.items()}
    facts = task.protocol_facts(opened)
    return Scores.of(task.spec, figures, headline=f"accuracy/{headline}", settings=settings, protocol=facts)


def _figures(truth: Integers, predicted: Predicted) -> dict[str, float]:
    figures = {
        "accuracy": metrics.accuracy(truth, predicted.classes),
        "macro_f1": metrics.macro_f1(truth, predicted.classes),
    }
    scores, known = predicted.scores, predicted.known
    if scores is None:
        return figures
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1)
    # A class that no training case has gets the lowest score everywhere.
    columns = np.full((len(truth), int(max(known.max(), truth.max())) + 1), scores.min() - 1.0)
    columns[:, known] = scores
    return figures | {"auprc": metrics.auprc(truth, columns)}
