"""Ridge on frozen representations, in use: the target of each case."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.predictor import Predictor, Series, check_shapes
from downstream.regression.ridge import TargetRidge
from downstream.regression.scoring import errors_of
from downstream.regression.task import RegressionTask
from downstream.represent import Represent, features_of
from downstream.windows import whole_window


def fit(task: RegressionTask, represent: Represent, *, rng_seed: int) -> FittedProbe:
    """Fit on all training cases."""
    del rng_seed  # nothing here is random
    weights, intercept = TargetRidge.fit(features_of(represent, task.windows), task.labels).linear
    return FittedProbe({}, {"weights": torch.as_tensor(weights), "intercept": torch.as_tensor(intercept)})


class FittedProbe(Predictor):
    """Targets in their own unit; the score is R2."""

    def predict(self, represent: Represent, series: Series) -> NDArray[np.float64]:
        """Return the target of each case, (cases,)."""
        x = np.concatenate([features_of(represent, whole_window(values)) for values in series])
        return np.asarray(x @ self.tensors["weights"].numpy() + self.tensors["intercept"].numpy())

    def score(self, represent: Represent, series: Series, truth: NDArray[Any]) -> float:
        """Return the share of the truth's variance that is explained."""
        return errors_of(truth.astype(np.float64), self.predict(represent, series))["r2"]

    def _check(self) -> None:
        n_features = len(self.tensors["weights"])
        check_shapes(self.tensors, {"weights": (n_features,), "intercept": (1,)})
        if not all(tensor.is_floating_point() and tensor.isfinite().all() for tensor in self.tensors.values()):
            raise ValueError("weights and intercept must be finite numbers")
