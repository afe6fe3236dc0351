"""Ridge from features to targets, each in its own unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from downstream.probes.linear import MAX_RANK, RidgeProbe, Standardizer

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class TargetRidge:
    """Ridge between standardised features and standardised targets; the penalty by leave-one-out.

    Args:
        features: Standardises features.
        targets: Standardises targets.
        ridge: The fitted ridge between them.
    """

    features: Standardizer
    targets: Standardizer
    ridge: RidgeProbe

    @classmethod
    def fit(cls, x: Floats, y: Floats, *, max_rank: int | None = MAX_RANK) -> TargetRidge:
        """Fit on features, (n, d), and targets, (n,); for `max_rank` see `RidgeProbe.fit`."""
        features, targets = Standardizer.fit(x), Standardizer.fit(y[:, None])
        return cls(features, targets, RidgeProbe.fit(features(x), targets(y[:, None]), max_rank=max_rank))

    def predict(self, x: Floats) -> Floats:
        """Return predictions for features as they are, (n,)."""
        predicted: Floats = (self.ridge.predict(self.features(x)) * self.targets.deviation + self.targets.mean)[:, 0]
        return predicted

    @property
    def linear(self) -> tuple[Floats, Floats]:
        """The same as weights, (d,), and an intercept, (1,), for features as they are."""
        weights, intercept = (part.numpy() for part in self.ridge.path.weights(self.ridge.alpha))
        if self.ridge.projection is not None:
            weights = self.ridge.projection @ weights
        weights = weights[:, 0] * self.targets.deviation / self.features.deviation
        return weights, intercept * self.targets.deviation + self.targets.mean - self.features.mean @ weights
