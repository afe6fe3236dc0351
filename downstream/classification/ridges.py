"""The ridge classifier of cases: one for each encoder of a representation, their scores added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from downstream.probes.linear import MAX_RANK, RidgeClassifier
from downstream.probes.spans import Spans

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class RidgeSum:
    """The weighted sum of one ridge classifier per part of the features, each with a penalty of its own.

    Args:
        weights: What each part counts.
        models: The classifiers, all of the same classes.
    """

    weights: tuple[float, ...]
    models: tuple[RidgeClassifier, ...]

    @classmethod
    def fit(
        cls, rows: Sequence[Floats], labels: Integers, *, weights: tuple[float, ...], max_rank: int | None = MAX_RANK
    ) -> RidgeSum:
        """Fit on the rows of each part (`Spans.rows`), (n, dimensions), with labels, (n,); see `RidgeProbe.fit`.

        Raises:
            ValueError: If there are fewer than two classes.
        """
        return cls(weights, tuple(RidgeClassifier.fit(own, labels, max_rank=max_rank) for own in rows))

    @property
    def classes(self) -> Integers:
        """Class number of each score, (n_classes,)."""
        return self.models[0].classes

    @property
    def on_edge(self) -> bool:
        """Whether a penalty is the first or last of its grid."""
        return any(model.ridge.on_edge for model in self.models)

    @property
    def alphas(self) -> str:
        """The penalties in words."""
        return ", ".join(f"{model.ridge.alpha:g}" for model in self.models)

    def decision(self, rows: Sequence[Floats]) -> Floats:
        """Return one score per class of rows of each part, larger = more likely, (m, n_classes)."""
        each = zip(self.weights, self.models, rows, strict=True)
        return np.asarray(sum(weight * model.decision(own) for weight, model, own in each))

    def linear(self, spans: Spans) -> dict[str, Floats]:
        """Return the same as a linear map of features: `mean` and `deviation`, (d,), `weights` and `intercept`.

        Weights are those of standardised features, (n_classes, d).
        """
        n_features = sum(len(part.columns) for part in spans.parts)
        mean, deviation = np.empty(n_features), np.empty(n_features)
        weights, intercept = np.empty((len(self.classes), n_features)), np.zeros(len(self.classes))
        for part, model in zip(spans.parts, self.models, strict=True):
            own, offset = model.ridge.linear
            own = own[: part.span.x.shape[1]]  # what tells distances has no weight
            mean[part.columns], deviation[part.columns] = part.span.standardize.mean, part.span.standardize.deviation
            weights[:, part.columns] = part.weight * part.span.weights(own).T
            intercept += part.weight * offset
        return {"mean": mean, "deviation": deviation, "weights": weights, "intercept": intercept}
