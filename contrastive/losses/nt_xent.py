"""The normalised temperature-scaled cross entropy."""

from __future__ import annotations

from contrastive.losses._log_sum_exp import SoftmaxLoss
from search_space.registry import register


@register(
    "loss",
    "nt_xent",
    choices={"temperature": (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)},
    source="SimCLR, Chen et al. 2020, arXiv:2002.05709, eq. (1)",
)
class NTXent(SoftmaxLoss):
    """Cross entropy of picking the positive among all other rows of both views.

    Deliberate difference: the pair kind says which rows take part, not the
    whole batch. The formula for several positives is in `SoftmaxLoss`.

    Args:
        temperature: Divides every similarity before the softmax; unitless, > 0.

    Raises:
        ValueError: If `temperature` is not greater than 0.
    """
