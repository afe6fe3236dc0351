"""The cross entropy that the softmax losses share."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from contrastive.checks import above_zero
from contrastive.losses._base import AnchorPairs, PairLoss


class SoftmaxLoss(PairLoss):
    """Cross entropy of picking a positive among itself and the negatives.

    For an anchor with positives P, negatives N and similarities s the loss is
    the mean over p in P of -log( e^(s_p/tau) / (e^(s_p/tau) + sum_{n in N} e^(s_n/tau)) ):
    the other positives are no rivals.

    Args:
        temperature: The paper's tau; divides every similarity, unitless, > 0.

    Raises:
        ValueError: If `temperature` is not greater than 0.
    """

    def __init__(self, *, temperature: float) -> None:
        self.temperature = above_zero(f"{type(self).__name__}.temperature", temperature)

    def _rows(self, similarities: Tensor, *, pairs: AnchorPairs) -> Tensor:
        scaled = similarities.div_(self.temperature)  # the similarities are ours and of no further use
        if pairs.one_positive_each:
            # then the loss is the plain cross entropy over positive and negatives, which torch fuses
            left_out = ~pairs.negatives.scatter(1, pairs.positive_index, value=True)
            scaled = scaled.masked_fill_(left_out, torch.finfo(scaled.dtype).min / 2)
            target = pairs.positive_index.squeeze(1).expand(scaled.shape[:2])
            rows = functional.cross_entropy(scaled.flatten(0, 1), target.flatten(), reduction="none")
            return rows.view(scaled.shape[:2])
        # A finite floor instead of -inf: a row without negatives then has loss and gradient 0, not NaN.
        floor = torch.finfo(scaled.dtype).min / 2
        rivals = scaled.masked_fill(~pairs.negatives, floor).logsumexp(dim=-1, keepdim=True)  # (G, A, 1)
        return (functional.softplus(rivals - pairs.positives_of(scaled)) * pairs.positive_weight).sum(dim=-1)
