"""Scores of a representation on a classification task.

Validation uses one fast probe for every candidate: a closed-form ridge classifier on
standardised features, over stratified folds of the training cases. The test part is
scored with it too, and with logistic regression, the support vector machine of TS2Vec
and the nearest neighbour, all fitted on all training cases.
A probe that is not wanted, or comes to no end, is left out, which the settings say.

Arguments of `validate` and `score_test` are those of `evaluation`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from downstream import metrics
from downstream.cases.folds import N_FOLDS, drawn_folds, score_folds
from downstream.cases.spans import spans_of
from downstream.cases.task import LabelledWindows
from downstream.classification.probes import PROBES, Predicted
from downstream.classification.ridges import RidgeSum
from downstream.classification.task import ClassificationTask
from downstream.metrics import share_interval
from downstream.probes.penalties import NoEndError
from downstream.probes.spans import Spans
from downstream.represent import Represent, features_of
from downstream.scores import Score, Scores

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]
HEADLINE_PROBE = "ridge"
"""A closed form, so it is always there; the predictor for users is the same."""
VALUES_AT_A_TIME = 2**26  # of the features of test cases
FEWEST_KNOWN = 3
"""Cases of a class, on average, that the probe of a fold must know so that it can choose between encoders."""
SHARPNESS = 4.0
"""What turns a difference between scores of the ridge, whose targets are -1 and 1, into log-odds: about what fits."""


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


draw_folds = stratified_folds


def validate(task: ClassificationTask, represent: Represent, *, rng_seed: int = 0) -> Score:
    """Return the mean accuracy over repeated stratified folds of the training cases.

    The encoder has seen these cases without labels, as have the means and deviations of features; the probe of a fold
    has not seen them at all, and its penalty comes from leave-one-out errors inside the other folds. All candidates get
    the same folds.

    Returns:
        The accuracy, and the probe's score of each class for each case, (n, classes); details: `balanced_accuracy`,
        `noise`, and those of `score_folds`.
    """
    return held_out_scores(task, spans_of(represent, task.windows), rng_seed=rng_seed)


def held_out_scores(task: ClassificationTask, spans: Spans, *, rng_seed: int) -> Score:
    """Return what `validate` does, of features already there."""
    rows, labels = spans.rows, task.labels
    classes = np.unique(labels)

    def predict(held_out: NDArray[np.bool_]) -> tuple[Floats, bool]:
        scores = np.full((int(held_out.sum()), len(classes)), -1.0)
        known = np.isin(classes, labels[~held_out])
        if known.sum() < 2:
            scores[:, known] = 1.0
            return scores, False
        model = RidgeSum.fit([own[~held_out] for own in rows], labels[~held_out], weights=spans.weights)
        scores[:, known] = model.decision([own[held_out] for own in rows])
        scores[:, ~known] = scores[:, known].min(initial=0.0) - 1.0  # a class that has no other case is never meant
        return scores, model.on_edge

    def figures(truth: Integers, scores: Floats) -> dict[str, float]:
        return _held_out_figures(truth, classes[scores.argmax(axis=1)])

    folds = task.folds or drawn_folds(labels, draw_folds, rng_seed=rng_seed)
    return score_folds(task.spec, labels, folds=folds, predict=predict, figures=figures)


def held_out_score(task: ClassificationTask, said: Floats) -> Score:
    """Return the accuracy, its noise and the balanced accuracy of what was said of cases held out, (n, classes)."""
    figures = _held_out_figures(task.labels, np.unique(task.labels)[said.argmax(axis=1)])
    return Score.of(task.spec, figures.pop("accuracy"), figures)


def held_out_losses(task: ClassificationTask, said: Floats) -> Floats:
    """Return a smooth loss of what was said of each case held out, (n, classes): the logistic one of its margin, (n,).

    Accuracies of few cases are too coarse to tell a combination from the next.
    """
    true = np.arange(len(said)), np.searchsorted(np.unique(task.labels), task.labels)
    others = said.copy()
    others[true] = -np.inf
    losses: Floats = np.logaddexp(0.0, -SHARPNESS * (said[true] - others.max(axis=1)))
    return losses


def folds_tell(task: ClassificationTask) -> bool:
    """Return whether probes of folds know enough of the classes to say what one that is fitted to all cases will do.

    With one case of a class instead of two, other encoders are good ones than with all.
    """
    folds = task.folds or drawn_folds(task.labels, draw_folds, rng_seed=0)
    known = np.mean([np.mean(repeat != fold) for repeat in folds for fold in range(int(repeat.max()) + 1)])
    return bool(known * len(task.labels) >= FEWEST_KNOWN * len(np.unique(task.labels)))


def _held_out_figures(truth: Integers, predicted: Integers) -> dict[str, float]:
    n_right, n = int(np.sum(predicted == truth)), len(truth)
    share = (n_right + 1) / (n + 2)  # all right of few is no certainty
    return {
        "accuracy": metrics.accuracy(truth, predicted),
        "balanced_accuracy": metrics.balanced_accuracy(truth, predicted),
        "noise": float(np.sqrt(share * (1.0 - share) / n)),
    }


def score_test(task: ClassificationTask, opened: LabelledWindows, represent: Represent, *, rng_seed: int = 0) -> Scores:
    """Fit every probe on all training cases and score it on all test cases.

    Returns:
        `accuracy/P`, `macro_f1/P`, `auprc/P` for the probes P `ridge`, `logistic`, `svm` and `knn` (accuracy and
        F1 only). The headline is the accuracy with the ridge, which is what predicts for users.
    """
    spans = spans_of(represent, task.windows)
    cases, some = opened.windows, max(1, VALUES_AT_A_TIME // sum(len(part.columns) for part in spans.parts))
    blocks = [cases.subset(slice(begin, begin + some)) for begin in range(0, len(cases), some)]
    seen = [spans(features_of(represent, block)) for block in blocks]
    rows = [np.concatenate(part) for part in zip(*seen, strict=True)]
    return _probed(task, opened, spans, rows, rng_seed=rng_seed)


def score_features(
    task: ClassificationTask, opened: LabelledWindows, x: Floats, new: Floats, *, rng_seed: int = 0
) -> Scores:
    """Score given features of training and test cases, (n, d) and (n_test, d), as `score_test` does."""
    spans = Spans.of(x)
    return _probed(task, opened, spans, spans(new), rng_seed=rng_seed)


def score_ridge(task: ClassificationTask, opened: LabelledWindows, x: Floats, new: Floats) -> Scores:
    """Score given features with the ridge classifier only: what MiniRocket's thousands of features are made for."""
    spans = Spans.of(x)
    return _scores(task, opened, {"ridge": _ridge(task, spans, spans(new), max_rank=None)}, left_out={})


def _probed(
    task: ClassificationTask, opened: LabelledWindows, spans: Spans, new: Sequence[Floats], *, rng_seed: int
) -> Scores:
    """Score the ridge and all other probes on test cases in the dimensions of each part of `spans`."""
    predicted, left_out = {}, {}
    x, all_new = spans.side_by_side(spans.rows), spans.side_by_side(new)
    for name, probe in PROBES.items():
        if name in task.unwanted_probes:
            left_out[name] = "left out, as asked"
            continue
        try:
            predicted[name] = probe(x, task.labels, all_new, rng_seed=rng_seed)
        except NoEndError as problem:
            left_out[name] = f"left out: {problem}"
    return _scores(task, opened, {HEADLINE_PROBE: _ridge(task, spans, new), **predicted}, left_out=left_out)


def _ridge(task: ClassificationTask, spans: Spans, new: Sequence[Floats], **how: None) -> Predicted:
    model = RidgeSum.fit(spans.rows, task.labels, weights=spans.weights, **how)
    scores = model.decision(new)
    return Predicted(model.classes[scores.argmax(axis=1)], scores, model.classes, {"alpha": model.alphas})


def _scores(
    task: ClassificationTask,
    opened: LabelledWindows,
    predicted: Mapping[str, Predicted],
    *,
    left_out: Mapping[str, str],
) -> Scores:
    figures: dict[str, float] = {}
    settings = dict(left_out)
    for name, answer in predicted.items():
        figures |= {f"{metric}/{name}": value for metric, value in _figures(opened.labels, answer).items()}
        settings |= {f"{name}.{setting}": value for setting, value in answer.settings.items()}
    headline = f"accuracy/{HEADLINE_PROBE}"
    n = len(opened.labels)
    return Scores.of(
        task.spec,
        figures,
        headline=headline,
        settings=settings,
        protocol=task.protocol_facts(opened),
        interval=share_interval(round(figures[headline] * n), n),
    )


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
