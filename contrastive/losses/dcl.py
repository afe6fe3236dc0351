"""The decoupled contrastive loss."""

from __future__ import annotations

import torch
from torch import Tensor

from contrastive.checks import above_zero
from contrastive.losses._base import AnchorPairs, PairLoss
from search_space.registry import register


@register(
    "loss",
    "dcl",
    choices={"temperature": (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)},
    source="Decoupled contrastive learning, Yeh et al. 2022, arXiv:2110.06848, eq. (6)",
)
class DCL(PairLoss):
    """Log-sum-exp of the negatives less the positive, which is no part of the denominator.

    For an anchor with positives P, negatives N and similarities s the loss is
    log sum_{n in N} e^(s_n/tau) - mean_{p in P} s_p/tau. It may be negative and, with a
    similarity that has no upper bound, has no lower bound. Deliberate
    differences: the pair kind says which rows take part, not the whole batch, and
    an anchor without negatives has loss 0. The paper's weighted form is left out.

    Args:
        temperature: The paper's tau; divides every similarity, unitless, > 0.

    Raises:
        ValueError: If `temperature` is not greater than 0.
    """

    def __init__(self, *, temperature: float) -> None:
        self.temperature = above_zero("DCL.temperature", temperature)

    def _rows(self, similarities: Tensor, *, pairs: AnchorPairs) -> Tensor:
        scaled = similarities.div_(self.temperature)  # the similarities are ours and of no further use
        positive = (pairs.positives_of(scaled) * pairs.positive_weight).sum(dim=-1)  # (G, A)
        rivals = scaled.masked_fill(~pairs.negatives, torch.finfo(scaled.dtype).min / 2).logsumexp(dim=-1)
        compared = (pairs.positive_weight.sum(dim=1) > 0) & pairs.negatives.any(dim=1)  # (A,)
        return torch.where(compared, rivals - positive, 0.0)
