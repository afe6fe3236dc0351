"""Features in as few directions as they really have, for ridge: an exact rotation, less what cannot show.

Ridge does not change when features are rotated. An encoder whose last map widens its latent has representations of
far lower rank than width, and everything that follows costs the rank instead of the width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Of the targets' norm: far below the rounding of float32 features.
LARGEST_LOSS = 1e-7
# Blocks stay in the cache.
BLOCK_ROWS = 512


@dataclass(frozen=True)
class Compression:
    """Orthonormal directions of centred features.

    Args:
        mean: Subtracted first, float64 (d,).
        basis: Directions, float64 (d, r).
    """

    mean: Tensor
    basis: Tensor

    @classmethod
    def of(cls, x: Tensor, others: Sequence[Tensor], *, least_alpha: float) -> Compression:
        """Find the directions that ridge on `x`, or on some of its rows, can use.

        With the eigenvalue `l` of a direction and the energy `v` of other rows in it, its part in the predictions for
        those rows is at most `sqrt(l v) / (l + alpha)` of the targets' norm. The weakest directions are left out as
        long as these shares add up to at most `LARGEST_LOSS`.

        Args:
            x: Features of the rows to fit, (n, d), n >= 1.
            others: Features of rows that may help to decide, never those of a test part, (m, d) each.
            least_alpha: The smallest penalty, > 0.
        """
        mean = x.mean(0, dtype=torch.float64)
        gram = mean.new_zeros(len(mean), len(mean))
        for block in torch.split(x, BLOCK_ROWS):
            centred = block - mean
            gram.addmm_(centred.T, centred)
        eigenvalues, basis = torch.linalg.eigh(gram)
        eigenvalues = eigenvalues.clamp_min(0)
        energy = eigenvalues
        for other in others:
            parts = [((block - mean) @ basis).square().sum(0) for block in torch.split(other, BLOCK_ROWS)]
            energy = torch.maximum(energy, torch.stack(parts).sum(0))
        share = (eigenvalues * energy).sqrt() / (eigenvalues + least_alpha)
        ascending = share.argsort()
        kept = ascending[share[ascending].cumsum(0) > LARGEST_LOSS]
        return cls(mean, basis[:, kept])

    def apply(self, x: Tensor) -> Tensor:
        """Return float64 (n, r) for features (n, d)."""
        return torch.cat([(block - self.mean) @ self.basis for block in torch.split(x, BLOCK_ROWS)])
