"""The ridge classifier on frozen representations, in use: the class of each case."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import confusion_matrix

from downstream.cases.features import RawValues, seen
from downstream.cases.spans import spans_of
from downstream.cases.task import LabelledWindows
from downstream.classification.labels import ClassLabels, checked_labels, is_text
from downstream.classification.ridges import RidgeSum
from downstream.classification.scoring import held_out_scores
from downstream.classification.task import ClassificationTask
from downstream.errors import DataError
from downstream.predictor import Predictor, Series, check_shapes
from downstream.represent import Represent, features_of, flattened, represent_cases

Floats = NDArray[np.floating]
MOST_CLASSES, MOST_CASES = 20, 2000
"""In a picture."""


def fit(task: ClassificationTask, represent: Represent, *, rng_seed: int) -> FittedProbe:
    """Fit on all training cases; how sure it is comes from cases that the ridge had not seen."""
    spans = spans_of(represent, task.windows)
    model = RidgeSum.fit(spans.rows, task.labels, weights=spans.weights)
    held_out = held_out_scores(task, spans, rng_seed=rng_seed).held_out
    assert held_out is not None
    sharpness = _sharpness(held_out, np.unique(task.labels, return_inverse=True)[1])
    tensors = model.linear(spans)
    tensors |= {name: sharpness * tensors[name] for name in ("weights", "intercept")}
    tensors["numbers"] = np.asarray(model.classes, dtype=np.int64)
    return FittedProbe(
        task.class_labels.facts,
        {name: torch.as_tensor(np.ascontiguousarray(value)) for name, value in tensors.items()},
    )


def fit_plain(task: ClassificationTask, name: str, *, rng_seed: int) -> FittedProbe | None:
    """Fit a plain method by its name; None for one that cannot be saved."""
    if name != "raw_series":
        return None
    values = RawValues.of(task.windows)
    probe = fit(task, values, rng_seed=rng_seed)
    return replace(probe, facts={**probe.facts, **values.facts})


def _sharpness(scores: Floats, classes: NDArray[np.int64]) -> float:
    """Return the factor by which scores are log-odds that fit best (temperature scaling, Guo et al. 2017).

    Args:
        scores: Of cases that had not been seen, (n, classes).
        classes: Of these cases, as columns of `scores`, (n,).
    """

    def loss(logarithm: float) -> float:
        return float(-log_softmax(np.exp(logarithm) * scores, axis=1)[np.arange(len(classes)), classes].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 4.0), method="bounded").x))


def examples(
    task: ClassificationTask, opened: LabelledWindows, predictor: FittedProbe, represent: Represent
) -> dict[str, Any]:
    """Return how often test cases of each class, at most `MOST_CASES` in all, are given to each class; see `TaskKind`.

    Returns:
        `classes` and `counts` (truth, predicted); of very many classes the `MOST_CLASSES` with the most mistakes, and
        `n_left_out`.
    """
    n_cases = len(opened.labels)
    some = np.unique(np.linspace(0, n_cases - 1, min(MOST_CASES, n_cases)).round().astype(int))
    said = predictor.numbers_of(features_of(seen(predictor.facts, represent), opened.windows.subset(some)))
    counts = confusion_matrix(opened.labels[some], said, labels=range(len(task.classes)))
    mistakes = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    kept = np.sort(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES])
    names = [task.classes[number] for number in kept]
    left_out = len(task.classes) - len(kept)
    return {"form": "confusion", "classes": names, "counts": counts[np.ix_(kept, kept)], "n_left_out": left_out}


class FittedProbe(Predictor):
    """Classes as they came; the score is the accuracy."""

    @cached_property
    def classes(self) -> NDArray[Any]:  # type: ignore[override]  # the base has none
        """Those with training cases, (known,)."""
        labels = ClassLabels.from_facts(self.facts).values
        return np.asarray(labels[self.tensors["numbers"].numpy()])

    def predict(self, represent: Represent, series: Series) -> NDArray[Any]:
        """Return the class of each case, (cases,)."""
        return np.asarray(self.classes[self._scores(represent, series).argmax(axis=1)])

    def probabilities(self, represent: Represent, series: Series) -> NDArray[np.float64]:
        """Return the probability of each class, (cases, known)."""
        return np.asarray(softmax(self._scores(represent, series), axis=1))

    def decision(self, represent: Represent, series: Series) -> NDArray[np.float64]:
        """Return log-odds: of the second of two classes, (cases,), else of each up to a constant, (cases, known)."""
        scores = self._scores(represent, series)
        return np.asarray(scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores)

    def score(self, represent: Represent, series: Series, truth: Any) -> float:
        """Return the accuracy; classes that training did not have are errors."""
        known = checked_labels(np.asarray(truth), source="the truth")
        if known.shape != (len(series),):
            raise DataError(f"the truth must be one class per case ({len(series)}), got shape {known.shape}")
        if is_text(known) != is_text(self.classes):
            raise DataError(
                f"the truth has {known.dtype} labels, those of training are {self.classes.dtype}: texts and numbers "
                "are never equal"
            )
        return float(np.mean(self.predict(represent, series) == known))

    def numbers_of(self, features: Floats) -> NDArray[np.int64]:
        """Return the number of the class of each case by its features, (cases,)."""
        return np.asarray(self.tensors["numbers"].numpy()[self._linear(features).argmax(axis=1)])

    def _scores(self, represent: Represent, series: Series) -> NDArray[np.float64]:
        represent = seen(self.facts, represent)
        return self._linear(flattened(represent, represent_cases(represent, [each.values for each in series])))

    def _linear(self, z: Floats) -> NDArray[np.float64]:
        tensors = {name: value.numpy() for name, value in self.tensors.items()}
        x = (z - tensors["mean"]) / tensors["deviation"]
        return np.asarray(x @ tensors["weights"].T + tensors["intercept"])

    def _check(self) -> None:
        seen(self.facts, RawValues(1, 1))
        classes = ClassLabels.from_facts(self.facts)
        n_classes, n_features = self.tensors["weights"].shape
        shapes = {"mean": (n_features,), "deviation": (n_features,), "intercept": (n_classes,), "numbers": (n_classes,)}
        check_shapes(self.tensors, shapes)
        numbers = self.tensors["numbers"]
        if numbers.is_floating_point() or numbers.is_complex() or not n_classes:
            raise ValueError("numbers must be whole numbers of classes")
        if int(numbers.min()) < 0 or int(numbers.max()) >= len(classes):
            raise ValueError(f"numbers must be in 0..{len(classes) - 1}")
