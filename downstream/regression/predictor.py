"""Ridge on frozen representations, in use: the target of each case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import r2_score

from downstream.cases.features import RawValues, seen
from downstream.cases.spans import spans_of
from downstream.cases.task import LabelledWindows
from downstream.errors import DataError
from downstream.predictor import Predictor, Series, check_shapes
from downstream.regression.ridge import TargetRidge
from downstream.regression.task import RegressionTask
from downstream.represent import Represent, features_of, flattened, represent_cases

MOST_CASES = 500
"""In a picture."""


def fit(task: RegressionTask, represent: Represent, *, rng_seed: int) -> FittedProbe:
    """Fit on all training cases."""
    del rng_seed  # nothing here is random
    spans = spans_of(represent, task.windows)
    weights, intercept = TargetRidge.fit(spans.rows, task.labels, weights=spans.weights).linear(spans)
    return FittedProbe({}, {"weights": torch.as_tensor(weights), "intercept": torch.as_tensor(intercept)})


def fit_plain(task: RegressionTask, name: str, *, rng_seed: int) -> FittedProbe | None:
    """Fit a plain method by its name; None for one that cannot be saved."""
    if name != "raw_series":
        return None
    values = RawValues.of(task.windows)
    return replace(fit(task, values, rng_seed=rng_seed), facts=values.facts)


def examples(
    task: RegressionTask, opened: LabelledWindows, predictor: FittedProbe, represent: Represent
) -> dict[str, Any]:
    """Return the `truth` and what is `predicted` of at most `MOST_CASES` test cases, (cases,); see `TaskKind`."""
    del task
    some = np.unique(np.linspace(0, len(opened.labels) - 1, min(MOST_CASES, len(opened.labels))).round().astype(int))
    predicted = predictor.targets_of(features_of(seen(predictor.facts, represent), opened.windows.subset(some)))
    return {"form": "targets", "truth": opened.labels[some], "predicted": predicted}


class FittedProbe(Predictor):
    """Targets in their own unit; the score is R2."""

    def predict(self, represent: Represent, series: Series) -> NDArray[np.float64]:
        """Return the target of each case, (cases,)."""
        represent = seen(self.facts, represent)
        return self.targets_of(flattened(represent, represent_cases(represent, [each.values for each in series])))

    def targets_of(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the target of each case by its features, (cases,)."""
        return np.asarray(features @ self.tensors["weights"].numpy() + self.tensors["intercept"].numpy())

    def score(self, represent: Represent, series: Series, truth: Any) -> float:
        """Return R2 as scikit-learn has it: of equal targets 1 for exact predictions, else 0."""
        known = np.asarray(truth)
        if known.shape != (len(series),) or known.dtype.kind not in "fiub":
            raise DataError(f"the truth must be a number per case ({len(series)}), got {known.dtype} {known.shape}")
        if len(known) < 2 or not np.isfinite(known).all():
            raise DataError("R2 needs the finite targets of two cases at least")
        return float(r2_score(known, self.predict(represent, series)))

    def _check(self) -> None:
        seen(self.facts, RawValues(1, 1))
        n_features = len(self.tensors["weights"])
        check_shapes(self.tensors, {"weights": (n_features,), "intercept": (1,)})
        if not all(tensor.is_floating_point() and tensor.isfinite().all() for tensor in self.tensors.values()):
            raise ValueError("weights and intercept must be finite numbers")
