"""The features of several encoders, each spanned by itself: what ridges add up, and other probes see side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from downstream.probes.span import Span

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Part:
    """One encoder's share of the features.

    Args:
        span: Of its features.
        weight: What it counts; the weights of all parts add up to 1.
        columns: Which features are its own, (features of this part,).
    """

    span: Span
    weight: float
    columns: NDArray[np.int64]


@dataclass(frozen=True)
class Spans:
    """Training cases by the features of one encoder or several.

    Args:
        parts: One per encoder.
    """

    parts: tuple[Part, ...]

    @classmethod
    def of(
        cls, x: Floats, *, members: NDArray[np.int64] | None = None, weights: Sequence[float] | None = None
    ) -> Spans:
        """Return the spans of training cases.

        Args:
            x: Features, (n, d).
            members: Number of the encoder of each feature; one encoder by default, (d,).
            weights: What each encoder counts, > 0; all alike by default.
        """
        if members is None:
            return cls((Part(Span.of(x), 1.0, np.arange(x.shape[1])),))
        counts = np.ones(int(members.max()) + 1) if weights is None else np.asarray(weights, dtype=np.float64)
        columns = [np.flatnonzero(members == number) for number in range(len(counts))]
        return cls(
            tuple(
                Part(Span.of(x[:, own]), float(count / counts.sum()), own)
                for own, count in zip(columns, counts, strict=True)
            )
        )

    @property
    def weights(self) -> tuple[float, ...]:
        """What each part counts."""
        return tuple(part.weight for part in self.parts)

    @property
    def rows(self) -> tuple[Floats, ...]:
        """Training cases in the dimensions of each part, (n, dimensions of the part)."""
        return tuple(part.span.padded for part in self.parts)

    def __call__(self, new: Floats) -> tuple[Floats, ...]:
        """Return new cases, features (m, d), in the dimensions of each part; see `Span.with_distance`."""
        alone = len(self.parts) == 1
        return tuple(part.span.with_distance(new if alone else new[:, part.columns]) for part in self.parts)

    def side_by_side(self, rows: Sequence[Floats]) -> Floats:
        """Return cases in the dimensions of all parts, (m, dimensions), from those of each.

        The squared distance of two cases is the weighted mean of those by each encoder's standardised features, times
        the number of features: an encoder of many does not drown one of few.
        """
        if len(rows) == 1:
            return rows[0]
        n_features = sum(len(part.columns) for part in self.parts)
        scales = [np.sqrt(part.weight * n_features / len(part.columns)) for part in self.parts]
        return np.concatenate([scale * own for scale, own in zip(scales, rows, strict=True)], axis=1)
