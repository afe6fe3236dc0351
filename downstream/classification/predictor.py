"""Logistic regression on frozen representations, in use: the class of each case."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from downstream.classification.labels import ClassLabels, checked_labels, is_text
from downstream.classification.task import ClassificationTask
from downstream.errors import DataError
from downstream.predictor import Predictor, Series, check_shapes
from downstream.probes.linear import Standardizer, fit_logistic
from downstream.represent import Represent, features_of, flatten_streams, represent_cases


def fit(task: ClassificationTask, represent: Represent, *, rng_seed: int) -> FittedProbe:
    """Fit on all training cases."""
    x = features_of(represent, task.windows)
    standardize = Standardizer.fit(x)
    model = fit_logistic(standardize(x), task.labels, rng_seed=rng_seed)
    model = getattr(model, "best_estimator_", model)
    weights, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        weights, intercept = np.concatenate([-weights, weights]) / 2, np.concatenate([-intercept, intercept]) / 2
    tensors = {
        "mean": standardize.mean,
        "deviation": standardize.deviation,
        "weights": weights,
        "intercept": intercept,
        "numbers": np.asarray(model.classes_, dtype=np.int64),
    }
    return FittedProbe(
        task.class_labels.facts,
        {name: torch.as_tensor(np.ascontiguousarray(value)) for name, value in tensors.items()},
    )


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

    def _scores(self, represent: Represent, series: Series) -> NDArray[np.float64]:
        z = flatten_streams(represent_cases(represent, [each.values for each in series]))
        tensors = {name: value.numpy() for name, value in self.tensors.items()}
        x = (z - tensors["mean"]) / tensors["deviation"]
        return np.asarray(x @ tensors["weights"].T + tensors["intercept"])

    def _check(self) -> None:
        classes = ClassLabels.from_facts(self.facts)
        n_classes, n_features = self.tensors["weights"].shape
        shapes = {"mean": (n_features,), "deviation": (n_features,), "intercept": (n_classes,), "numbers": (n_classes,)}
        check_shapes(self.tensors, shapes)
        numbers = self.tensors["numbers"]
        if numbers.is_floating_point() or numbers.is_complex() or not n_classes:
            raise ValueError("numbers must be whole numbers of classes")
        if int(numbers.min()) < 0 or int(numbers.max()) >= len(classes):
            raise ValueError(f"numbers must be in 0..{len(classes) - 1}")
