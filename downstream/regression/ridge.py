"""Ridge from features to targets, each in its own unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from downstream.probes.linear import MAX_RANK, RidgeProbe, Standardizer
from downstream.probes.span import Span

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class TargetRidge:
    """Ridge between what probes see of features and standardised targets; the penalty by leave-one-out.

    Args:
        targets: Standardises targets.
        ridge: The fitted ridge.
    """

    targets: Standardizer
    ridge: RidgeProbe

    @classmethod
    def fit(cls, x: Floats, y: Floats, *, max_rank: int | None = MAX_RANK) -> TargetRidge:
        """Fit on rows of a `Span`, (n, r), and targets, (n,); for `max_rank` see `RidgeProbe.fit`."""
        targets = Standardizer.fit(y[:, None])
        return cls(targets, RidgeProbe.fit(x, targets(y[:, None]), max_rank=max_rank))

    def predict(self, x: Floats) -> Floats:
        """Return predictions for rows of the same span, (n,)."""
        predicted: Floats = (self.ridge.predict(x) * self.targets.deviation + self.targets.mean)[:, 0]
        return predicted

    def linear(self, span: Span) -> tuple[Floats, Floats]:
        """Return the same as weights, (d,), and an intercept, (1,), for the features of a span as they are."""
        weights, intercept = self.ridge.linear
        weights = span.weights(weights)[:, 0] * self.targets.deviation / span.standardize.deviation
        offset = span.standardize.mean @ weights
        return weights, intercept * self.targets.deviation + self.targets.mean - offset
