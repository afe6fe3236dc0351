"""The triplet margin loss."""

from __future__ import annotations

import torch
from torch import Tensor

from contrastive.checks import at_least_zero
from contrastive.groups import AnchorPairs
from contrastive.losses._base import PairLoss
from search_space.registry import register


@register(
    "loss",
    "triplet",
    choices={"margin": (0.2, 0.5, 1.0)},
    source="FaceNet, Schroff et al. 2015, arXiv:1503.03832, eq. (3)",
)
class Triplet(PairLoss):
    """Mean over anchors and negatives of max(0, margin + s_negative - s_positive).

    Deliberate differences: similarities instead of squared distances, all
    negatives instead of mined ones; of several positives the mean similarity
    counts.

    Args:
        margin: By how much a positive should be closer, in units of the
            similarity, >= 0.

    Raises:
        ValueError: If `margin` is negative.
    """

    def __init__(self, *, margin: float) -> None:
        self.margin = at_least_zero("Triplet.margin", margin)

    def rows(self, scaled: Tensor, *, pairs: AnchorPairs) -> Tensor:
        """Return the loss of every anchor, shape (G, A)."""
        return self._excess(scaled, pairs).sum(dim=-1) * _shares(pairs, dtype=scaled.dtype)

    def rows_and_slopes(self, scaled: Tensor, *, pairs: AnchorPairs) -> tuple[Tensor, Tensor]:
        """Return the losses, shape (G, A), and their derivatives by the similarities, shape (G, A, N)."""
        shares = _shares(pairs, dtype=scaled.dtype)  # (A,)
        excess = self._excess(scaled, pairs)
        rows = excess.sum(dim=-1) * shares
        slopes = excess.sign_().mul_(shares.unsqueeze(-1))
        pairs.add_to_positives_(slopes, -slopes.sum(dim=-1, keepdim=True) * pairs.positive_weight)
        return rows, slopes

    def _excess(self, scaled: Tensor, pairs: AnchorPairs) -> Tensor:
        """Return by how much each negative is too close, 0 for all others, shape (G, A, N)."""
        positive = (pairs.positives_of(scaled) * pairs.positive_weight).sum(dim=-1, keepdim=True)  # (G, A, 1)
        return (scaled - (positive - self.margin)).relu_().mul_(pairs.negatives)


def _shares(pairs: AnchorPairs, *, dtype: torch.dtype) -> Tensor:
    """Return 1 / number of negatives of every anchor that counts, else 0, shape (A,)."""
    return pairs.counts.to(dtype) / pairs.negatives.sum(dim=1).clamp(min=1)
