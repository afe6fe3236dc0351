"""Ridge on frozen representations, in use: the target of each case."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import r2_score

from downstream.cases.spans import spans_of
from downstream.errors import DataError
from downstream.predictor import Predictor, Series, check_shapes
from downstream.regression.ridge import TargetRidge
from downstream.regression.task import RegressionTask
from downstream.represent import Represent, flattened, represent_cases


def fit(task: RegressionTask, represent: Represent, *, rng_seed: int) -> FittedProbe:
    """Fit on all training cases."""
    del rng_seed  # nothing here is random
    spans = spans_of(represent, task.windows)
    weights, intercept = TargetRidge.fit(spans.rows, task.labels, weights=spans.weights).linear(spans)
    return FittedProbe({}, {"weights": torch.as_tensor(weights), "intercept": torch.as_tensor(intercept)})


class FittedProbe(Predictor):
    """Targets in their own unit; the score is R2."""

    def predict(self, represent: Represent, series: Series) -> NDArray[np.float64]:
        """Return the target of each case, (cases,)."""
        x = flattened(represent, represent_cases(represent, [each.values for each in series]))
        return np.asarray(x @ self.tensors["weights"].numpy() + self.tensors["intercept"].numpy())

    def score(self, represent: Represent, series: Series, truth: Any) -> float:
        """Return R2 as scikit-learn has it: of equal targets 1 for exact predictions, else 0."""
        known = np.asarray(truth)
        if known.shape != (len(series),) or known.dtype.kind not in "fiub":
            raise DataError(f"the truth must be a number per case ({len(series)}), got {known.dtype} {known.shape}")
        if len(known) < 2 or not np.isfinite(known).all():
            raise DataError("R2 needs the finite targets of two cases at least")
        return float(r2_score(known, self.predict(represent, series)))

    def _check(self) -> None:
        n_features = len(self.tensors["weights"])
        check_shapes(self.tensors, {"weights": (n_features,), "intercept": (1,)})
        if not all(tensor.is_floating_point() and tensor.isfinite().all() for tensor in self.tensors.values()):
            raise ValueError("weights and intercept must be finite numbers")
