"""Minus the Euclidean distance."""

from torch import Tensor

from contrastive.similarities._base import Similarity, product, weighted_sums
from search_space.registry import register

EPSILON = 1e-8


@register("similarity", "neg_euclidean", source="AutoCL, arXiv:2403.12641 (Euclidean distance, negated)")
class NegEuclidean(Similarity):
    """Minus the Euclidean distance, -sqrt(|a - c|^2 + 1e-8).

    The constant keeps the gradient finite between equal representations.
    """

    def vectors(self, anchors: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vectors from the candidates' centre: |a|^2 + |c|^2 - 2ac loses digits far from the origin."""
        centre = candidates.detach().mean(dim=1, keepdim=True)
        centred = anchors - centre
        return centred, centred if candidates is anchors else candidates - centre

    def between(self, anchors: Tensor, candidates: Tensor, *, scale: float) -> Tensor:
        """Return the scaled negated distances, shape (G, A, N)."""
        lengths = candidates.square().sum(dim=-1).unsqueeze(1) * scale**2  # (G, 1, N)
        squared = product(anchors, candidates.transpose(1, 2), scale=-2.0 * scale**2).add_(lengths)
        squared += anchors.square().sum(dim=-1, keepdim=True) * scale**2
        return -squared.clamp_(min=0.0).add_(EPSILON * scale**2).sqrt_()

    def back(
        self,
        slopes: Tensor,
        scaled: Tensor,
        anchors: Tensor,
        candidates: Tensor | None,
        *,
        scale: float,
        bfloat16: bool,
    ) -> tuple[Tensor, ...]:
        """Return the gradients: every pair pulls its two vectors along their difference, of length one."""
        pull = slopes / scaled * scale  # (G, A, N)
        # Differences of near vectors would not survive rounding to bfloat16.
        sums = weighted_sums(pull, anchors, candidates, bfloat16=False)
        of_anchors, of_candidates = pull.sum(dim=2).unsqueeze(-1), pull.sum(dim=1).unsqueeze(-1)
        if candidates is None:
            return ((of_anchors + of_candidates) * anchors - sums[0],)
        return of_anchors * anchors - sums[0], of_candidates * candidates - sums[1]
