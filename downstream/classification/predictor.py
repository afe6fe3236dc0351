"""Logistic regression on frozen representations, in use: the class of each case."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.classification.task import ClassificationTask
from downstream.predictor import Predictor, Series, check_shapes
from downstream.probes.linear import Standardizer, fit_logistic
from downstream.represent import Represent, features_of, flatten_streams, represented
from downstream.windows import whole_window


def fit(task: ClassificationTask, represent: Represent, *, rng_seed: int) -> FittedProbe:
    """Fit on all training cases."""
    x = features_of(represent, task.windows)
    standardize = Standardizer.fit(x)
    model = fit_logistic(standardize(x), task.labels, rng_seed=rng_seed)
    model = getattr(model, "best_estimator_", model)
    weights, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        weights, intercept = np.concatenate([-weights, weights]), np.concatenate([-intercept, intercept])
    tensors = {
        "mean": standardize.mean,
        "deviation": standardize.deviation,
        "weights": weights,
        "intercept": intercept,
        "numbers": np.asarray(model.classes_, dtype=np.int64),
    }
    return FittedProbe(
        {"classes": list(task.classes)},
        {name: torch.as_tensor(np.ascontiguousarray(value)) for name, value in tensors.items()},
    )


class FittedProbe(Predictor):
    """Class names; the score is the accuracy."""

    def predict(self, represent: Represent, series: Series) -> NDArray[np.str_]:
        """Return the class name of each case, (cases,)."""
        z = np.concatenate([represented(represent, whole_window(values)) for values in series])
        tensors = {name: value.numpy() for name, value in self.tensors.items()}
        x = (flatten_streams(z) - tensors["mean"]) / tensors["deviation"]
        scores = x @ tensors["weights"].T + tensors["intercept"]
        names: NDArray[np.str_] = np.asarray(self.classes)[tensors["numbers"][scores.argmax(axis=1)]]
        return names

    def score(self, represent: Represent, series: Series, truth: NDArray[Any]) -> float:
        """Return the accuracy."""
        return float(np.mean(self.predict(represent, series) == truth.astype(str)))

    def _check(self) -> None:
        classes = self.facts["classes"]
        if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
            raise ValueError("classes must be a list of names")
        n_classes, n_features = self.tensors["weights"].shape
        shapes = {"mean": (n_features,), "deviation": (n_features,), "intercept": (n_classes,), "numbers": (n_classes,)}
        check_shapes(self.tensors, shapes)
        numbers = self.tensors["numbers"]
        if numbers.is_floating_point() or numbers.is_complex() or not n_classes:
            raise ValueError("numbers must be whole numbers of classes")
        if int(numbers.min()) < 0 or int(numbers.max()) >= len(classes):
            raise ValueError(f"numbers must be in 0..{len(classes) - 1}")
