"""The normalised temperature-scaled cross entropy."""

import torch
from torch import Tensor
from torch.nn import functional

from contrastive.losses._log_sum_exp import LogSumExpLoss
from search_space.registry import register


@register(
    "loss",
    "nt_xent",
    choices={"temperature": (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)},
    source="SimCLR, Chen et al. 2020, arXiv:2002.05709, eq. (1)",
)
class NTXent(LogSumExpLoss):
    """Cross entropy of picking the positive among all other rows of both views.

    For an anchor with positives P, negatives N and similarities s the loss is the mean over
    p in P of -log( e^(s_p/tau) / (e^(s_p/tau) + sum_{n in N} e^(s_n/tau)) ): the other
    positives are no rivals. Deliberate difference: the pair kind says which rows take part,
    not the whole batch.

    Args:
        temperature: The paper's tau; divides every similarity before the softmax, unitless, > 0.
    """

    def of_excess(self, excess: Tensor) -> tuple[Tensor, Tensor]:
        """Return log(1 + e^excess), which that is with excess = log sum e^(s_n/tau) - s_p/tau, and its derivative."""
        return functional.softplus(excess), torch.sigmoid(excess)
