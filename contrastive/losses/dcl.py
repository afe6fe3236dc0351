"""The decoupled contrastive loss."""

import torch
from torch import Tensor

from contrastive.losses._blocks import floor
from contrastive.losses._log_sum_exp import LogSumExpLoss
from search_space.registry import register


@register(
    "loss",
    "dcl",
    choices={"temperature": (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)},
    source="Decoupled contrastive learning, Yeh et al. 2022, arXiv:2110.06848, eq. (6)",
)
class DCL(LogSumExpLoss):
    """Log-sum-exp of the negatives less the positive, which is no part of the denominator.

    For an anchor with positives P, negatives N and similarities s the loss is
    log sum_{n in N} e^(s_n/tau) - mean_{p in P} s_p/tau. It may be negative and, with a
    similarity that has no upper bound, has no lower bound. Deliberate
    differences: the pair kind says which rows take part, not the whole batch, and
    an anchor without negatives has loss 0. The paper's weighted form is left out.

    Args:
        temperature: The paper's tau; divides every similarity, unitless, > 0.
    """

    def of_excess(self, excess: Tensor) -> tuple[Tensor, Tensor]:
        """Return excess = log sum e^(s_n/tau) - s_p/tau itself, which that is, and 1; 0 where there is no negative."""
        compared = ~(excess <= floor(excess.dtype) / 2)  # also where the excess is NaN, which must show
        return torch.where(compared, excess, 0.0), compared.to(excess.dtype)
