"""The noise-contrastive estimate of mutual information."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from contrastive.losses._log_sum_exp import LogSumExpLoss
from search_space.registry import register


@register(
    "loss",
    "info_nce",
    choices={"temperature": (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)},
    source="CPC, van den Oord et al. 2018, arXiv:1807.03748, eq. (4)",
)
class InfoNCE(LogSumExpLoss):
    """Cross entropy of picking the positive among the rows of the other view.

    For an anchor with positives P, negatives N and similarities s the loss is the mean over
    p in P of -log( e^(s_p/tau) / (e^(s_p/tau) + sum_{n in N} e^(s_n/tau)) ). Unlike in
    `nt_xent`, rows of the anchor's own view are no negatives. Deliberate difference: a
    similarity over a temperature in place of CPC's bilinear score.

    Args:
        temperature: Divides every similarity before the softmax; unitless, > 0.
    """

    cross_view_only: ClassVar[bool] = True

    def of_excess(self, excess: Tensor) -> tuple[Tensor, Tensor]:
        """Return log(1 + e^excess), which that is with excess = log sum e^(s_n/tau) - s_p/tau, and its derivative."""
        return functional.softplus(excess), torch.sigmoid(excess)
