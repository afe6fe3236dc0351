"""What the losses with a log-sum-exp over the negatives share."""

from abc import abstractmethod

from torch import Tensor

from contrastive.checks import checked
from contrastive.groups import AnchorPairs, Group, TwoViewGroup
from contrastive.losses._base import PairLoss
from contrastive.losses._blocks import floor
from contrastive.losses._two_views import FEWEST_ROWS
from search_space.genotype.rules import POSITIVE


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
        self.temperature = checked(f"{type(self).__name__}.temperature", temperature, POSITIVE)
        self.scale = 1.0 / self.temperature

    @abstractmethod
    def of_excess(self, excess: Tensor) -> tuple[Tensor, Tensor]:
        """Return f and its derivative.

        Args:
            excess: R - s_p/tau; hugely negative for an anchor without negatives,
                where both must be 0; any shape.

        Returns:
            Two tensors of the shape of `excess`.
        """

    def losses_and_slopes(self, scaled: Tensor, *, pairs: AnchorPairs) -> tuple[Tensor, Tensor]:
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

    def _pairs(self, group: Group) -> AnchorPairs | None:
        """Return what the anchors are compared with; None for many rows of two views, which are compared once."""
        if isinstance(group, TwoViewGroup) and group.rows.shape[1] >= FEWEST_ROWS:
            return None
        return super()._pairs(group)
