"""What the losses with a log-sum-exp over the negatives share."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from contrastive.checks import above_zero
from contrastive.groups import AnchorPairs, PairGroup, TwoViewGroup
from contrastive.losses._base import PairLoss
from contrastive.losses._blocks import default_block, floor
from contrastive.losses._two_views import FEWEST_ROWS, TwoViewLoss, TwoViewRecipe
from contrastive.similarities._base import Similarity
from contrastive.weightings._base import AnchorWeights


class LogSumExpLoss(PairLoss):
    """A loss of each positive's similarity against the log-sum-exp of the negatives.

    An anchor with positives P, negatives N, similarities s and R = log sum_{n in N} e^(s_n/tau)
    loses the mean over p in P of f(R - s_p/tau); an option says what f is.

    Args:
        temperature: The paper's tau; divides every similarity, unitless, > 0.

    Raises:
        ValueError: If `temperature` is not greater than 0.
    """

    def __init__(self, *, temperature: float) -> None:
        self.temperature = above_zero(f"{type(self).__name__}.temperature", temperature)
        self.scale = 1.0 / self.temperature

    def __call__(
        self,
        group: PairGroup | TwoViewGroup,
        similarity: Similarity | None,
        *,
        weighting: AnchorWeights | None = None,
        block_elements: int | None = None,
    ) -> Tensor:
        """Return the loss of a pair group, a scalar; many rows of two views are compared only once."""
        if not isinstance(group, TwoViewGroup) or group.rows.shape[1] < FEWEST_ROWS:
            return super().__call__(group, similarity, weighting=weighting, block_elements=block_elements)
        assert similarity is not None, "a pair loss compares"
        rows, _ = similarity.vectors(group.rows, group.rows)
        block = block_elements or default_block(rows.device)
        total: Tensor = TwoViewLoss.apply(rows, TwoViewRecipe(self, similarity, weighting, block))  # type: ignore[no-untyped-call]
        return total

    @abstractmethod
    def of_excess(self, excess: Tensor) -> tuple[Tensor, Tensor]:
        """Return f and its derivative.

        Args:
            excess: R - s_p/tau; hugely negative for an anchor without negatives,
                where both must be 0; any shape.

        Returns:
            Two tensors of the shape of `excess`.
        """

    def rows(self, scaled: Tensor, *, pairs: AnchorPairs) -> Tensor:
        """Return the loss of every anchor, shape (G, A)."""
        positives = pairs.positives_of(scaled)  # (G, A, P)
        rivals = scaled.masked_fill_(~pairs.negatives, floor(scaled.dtype)).logsumexp(dim=-1, keepdim=True)  # (G, A, 1)
        return (self.of_excess(rivals - positives)[0] * pairs.positive_weight).sum(dim=-1)

    def rows_and_slopes(self, scaled: Tensor, *, pairs: AnchorPairs) -> tuple[Tensor, Tensor]:
        """Return the losses, shape (G, A), and their derivatives by the scaled similarities, shape (G, A, N)."""
        positives = pairs.positives_of(scaled)  # (G, A, P)
        rivals = scaled.masked_fill_(~pairs.negatives, floor(scaled.dtype))
        shares = rivals.softmax(dim=-1)
        # log-sum-exp from the largest entry and its share: that saves a second exponential of everything
        total = rivals.amax(dim=-1, keepdim=True) - shares.amax(dim=-1, keepdim=True).log()
        pairs.put_positives_(scaled, positives)
        losses, slopes = self.of_excess(total - positives)
        slopes = slopes * pairs.positive_weight
        of_negatives = shares.mul_(slopes.sum(dim=-1, keepdim=True))
        pairs.add_to_positives_(of_negatives, -slopes)
        return (losses * pairs.positive_weight).sum(dim=-1), of_negatives


class SoftmaxLoss(LogSumExpLoss):
    """Cross entropy of picking a positive among itself and the negatives.

    For an anchor with positives P, negatives N and similarities s the loss is
    the mean over p in P of -log( e^(s_p/tau) / (e^(s_p/tau) + sum_{n in N} e^(s_n/tau)) ):
    the other positives are no rivals.
    """

    def of_excess(self, excess: Tensor) -> tuple[Tensor, Tensor]:
        """Return log(1 + e^excess) and its derivative."""
        return functional.softplus(excess), torch.sigmoid(excess)
