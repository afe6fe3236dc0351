"""Features in as many dimensions as there are cases: what probes see of them is the same, and a fit takes a fraction.

Penalties and distances know features by their products alone. With fewer cases than features, the training
cases span a space of few dimensions; coordinates in it keep all products and distances between cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compute.memory import at_a_time
from downstream.probes.linear import COLUMNS, MAX_RANK, Standardizer

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Span:
    """Training cases by standardised features, in the dimensions that they span.

    Args:
        standardize: Fitted to the training cases.
        x: The training cases, (n, r); r is the number of features where these are not more than the cases.
        rows: Features of the training cases as they came, (n, d); None where `x` are the standardised features.
        basis: From products with the training cases to coordinates, (n, r); None as `rows`.
    """

    standardize: Standardizer
    x: Floats
    rows: Floats | None = None
    basis: Floats | None = None

    @classmethod
    def of(cls, x: Floats) -> Span:
        """Return the span of training cases, features (n, d)."""
        standardize = Standardizer.fit(x)
        n, d = x.shape
        if n > MAX_RANK or d <= n:
            return cls(standardize, standardize(x))
        eigenvalues, vectors = np.linalg.eigh(sum(block @ block.T for block in _blocks(standardize, x)))
        # what is no larger than rounding is no direction
        kept = eigenvalues > max(eigenvalues[-1], 1e-300) * 1e-12
        roots = np.sqrt(eigenvalues[kept])
        return cls(standardize, vectors[:, kept] * roots, rows=x, basis=vectors[:, kept] / roots)

    def __call__(self, new: Floats) -> Floats:
        """Return new cases in the same dimensions, (m, r); products with training cases are kept."""
        if self.rows is None or self.basis is None:
            return self.standardize(new)
        pairs = zip(_blocks(self.standardize, new), _blocks(self.standardize, self.rows), strict=True)
        coordinates: Floats = sum(mine @ theirs.T for mine, theirs in pairs) @ self.basis
        return coordinates

    @property
    def padded(self) -> Floats:
        """Training cases with the dimension that `with_distance` adds, (n, r + 1); as they are where it adds none."""
        return self.x if self.rows is None else np.pad(self.x, ((0, 0), (0, 1)))

    def with_distance(self, new: Floats) -> Floats:
        """Return new cases in the dimensions of `padded`, in which distances are kept as well.

        The one that is added holds how far a case is from the span, (m, r + 1).
        """
        inside = self(new)
        if self.rows is None:
            return inside
        squares: Floats = sum((block**2).sum(axis=1) for block in _blocks(self.standardize, new))
        outside = np.sqrt(np.maximum(squares - (inside**2).sum(axis=1), 0.0))
        return np.concatenate([inside, outside[:, None]], axis=1)

    def weights(self, weights: Floats) -> Floats:
        """Return weights of the dimensions, (r, k), as weights of the standardised features, (d, k)."""
        if self.rows is None or self.basis is None:
            return weights
        of_cases = self.basis @ weights
        return np.concatenate([block.T @ of_cases for block in _blocks(self.standardize, self.rows)])


def _blocks(standardize: Standardizer, x: Floats) -> Iterator[Floats]:
    """Yield standardised features, some columns at a time, float64 (n, some)."""
    some = at_a_time(COLUMNS, "feature", bytes_each=16 * len(x))
    for begin in range(0, x.shape[1], some):
        columns = slice(begin, begin + some)
        yield (np.asarray(x[:, columns], dtype=np.float64) - standardize.mean[columns]) / standardize.deviation[columns]
