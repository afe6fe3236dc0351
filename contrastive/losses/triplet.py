"""The triplet margin loss."""

from torch import Tensor

from contrastive.checks import checked
from contrastive.groups import AnchorPairs
from contrastive.losses._base import PairLoss
from search_space.genotype.rules import NOT_NEGATIVE
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
        self.margin = checked("Triplet.margin", margin, NOT_NEGATIVE)

    def losses_and_slopes(self, scaled: Tensor, *, pairs: AnchorPairs) -> tuple[Tensor, Tensor]:
        """Return the losses, shape (G, A), and their derivatives by the similarities, shape (G, A, N)."""
        positive = (pairs.positives_of(scaled) * pairs.positive_weight).sum(dim=-1, keepdim=True)  # (G, A, 1)
        excess = (scaled - (positive - self.margin)).relu_().mul_(pairs.negatives)  # (G, A, N)
        share = pairs.counts.to(scaled.dtype) / pairs.negatives.sum(dim=1).clamp(min=1)  # (A,), of each negative
        losses = excess.sum(dim=-1) * share
        slopes = excess.sign_().mul_(share.unsqueeze(-1))
        pairs.add_to_positives_(slopes, -slopes.sum(dim=-1, keepdim=True) * pairs.positive_weight)
        return losses, slopes
