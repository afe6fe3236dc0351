"""The triplet margin loss."""

from __future__ import annotations

from torch import Tensor

from contrastive.checks import at_least_zero
from contrastive.losses._base import AnchorPairs, PairLoss
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

    def _rows(self, similarities: Tensor, *, pairs: AnchorPairs) -> Tensor:
        positive = (pairs.positives_of(similarities) * pairs.positive_weight).sum(dim=-1, keepdim=True)  # (G, A, 1)
        excess = (similarities - positive + self.margin).relu()
        negatives = pairs.negatives.to(excess.dtype)  # (A, N)
        total = (excess * negatives).sum(dim=-1)  # (G, A)
        counted = pairs.positive_weight.sum(dim=1) > 0  # (A,)
        return total / negatives.sum(dim=1).clamp(min=1.0) * counted
