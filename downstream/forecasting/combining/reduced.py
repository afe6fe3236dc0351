"""An encoder whose representations are too wide for sums of products, seen in its main directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from downstream.represent import Represent, represented
from downstream.windows import Windows

MOST_FEATURES = 512
"""Wider representations are seen in so many directions."""
MOST_ROWS = 2 * MOST_FEATURES


@dataclass(frozen=True)
class Directions:
    """Principal directions of standardised features.

    Args:
        mean: Subtracted first, float32 (features,).
        basis: float32 (features, directions).
    """

    mean: Tensor
    basis: Tensor

    @classmethod
    def of(cls, z: NDArray[np.float32]) -> Directions:
        """Find the main directions of training rows.

        Args:
            z: Representations, (n, streams, features).
        """
        rows = torch.as_tensor(z.reshape(-1, z.shape[2]))
        rows = rows[:: max(1, -(-len(rows) // MOST_ROWS))].double()
        mean, deviation = rows.mean(0), rows.std(0, correction=0)
        deviation = torch.where(deviation > 0, deviation, 1.0)
        rows = (rows - mean) / deviation
        values, vectors = torch.linalg.eigh(rows @ rows.T)  # fewer rows than features
        kept = values > values[-1].clamp_min(1e-300) * 1e-10
        kept[:-MOST_FEATURES] = False
        basis = rows.T @ vectors[:, kept] / values[kept].sqrt()  # orthonormal
        basis = basis * (basis.shape[1] / len(basis)) ** 0.5  # of unit variance in the mean
        return cls(mean.float(), (basis / deviation[:, None]).float())

    def seen_by(self, represent: Represent) -> Represent:
        """Return the encoder whose representations are those of another one, in these directions."""
        return _Reduced(represent, self)


@dataclass(frozen=True)
class _Reduced:
    represent: Represent
    directions: Directions

    def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        """Return float32 (n_windows, streams, directions)."""
        z = torch.as_tensor(represented(self.represent, windows, mask_last=mask_last))
        found: NDArray[np.float32] = ((z - self.directions.mean) @ self.directions.basis).numpy()
        return found
