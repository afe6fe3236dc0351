"""Ridge from features to targets, each in its own unit: one for each encoder of a representation, averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from downstream.probes.linear import MAX_RANK, RidgeProbe, Standardizer
from downstream.probes.spans import Spans

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class TargetRidge:
    """The weighted mean of one ridge per part of the features, to standardised targets; penalties by leave-one-out.

    Args:
        weights: What each part counts; they add up to 1.
        targets: Standardises targets.
        ridges: The fitted ridges.
    """

    weights: tuple[float, ...]
    targets: Standardizer
    ridges: tuple[RidgeProbe, ...]

    @classmethod
    def fit(
        cls, rows: Sequence[Floats], y: Floats, *, weights: tuple[float, ...], max_rank: int | None = MAX_RANK
    ) -> TargetRidge:
        """Fit on the rows of each part (`Spans.rows`), (n, dimensions), and targets, (n,); see `RidgeProbe.fit`."""
        targets = Standardizer.fit(y[:, None])
        wanted = targets(y[:, None])
        return cls(weights, targets, tuple(RidgeProbe.fit(own, wanted, max_rank=max_rank) for own in rows))

    @property
    def on_edge(self) -> bool:
        """Whether a penalty is the first or last of its grid."""
        return any(ridge.on_edge for ridge in self.ridges)

    @property
    def alphas(self) -> str:
        """The penalties in words."""
        return ", ".join(f"{ridge.alpha:g}" for ridge in self.ridges)

    def predict(self, rows: Sequence[Floats]) -> Floats:
        """Return predictions for rows of each part, (m,)."""
        each = zip(self.weights, self.ridges, rows, strict=True)
        mean = np.asarray(sum(weight * ridge.predict(own) for weight, ridge, own in each))
        return np.asarray(mean * self.targets.deviation + self.targets.mean)[:, 0]

    def linear(self, spans: Spans) -> tuple[Floats, Floats]:
        """Return the same as weights, (d,), and an intercept, (1,), for features as they are."""
        weights = np.empty(sum(len(part.columns) for part in spans.parts))
        intercept = np.asarray(self.targets.mean)
        for part, ridge in zip(spans.parts, self.ridges, strict=True):
            own, offset = ridge.linear
            scaled = part.weight * part.span.weights(own[: part.span.x.shape[1]])[:, 0] * self.targets.deviation
            weights[part.columns] = scaled / part.span.standardize.deviation
            intercept = intercept + part.weight * offset * self.targets.deviation
            intercept = intercept - part.span.standardize.mean @ weights[part.columns]
        return weights, intercept
