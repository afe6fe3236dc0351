"""The noise-contrastive estimate of mutual information."""

from __future__ import annotations

from typing import ClassVar

from contrastive.losses._log_sum_exp import SoftmaxLoss
from search_space.registry import register


@register(
    "loss",
    "info_nce",
    choices={"temperature": (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)},
    source="CPC, van den Oord et al. 2018, arXiv:1807.03748, eq. (4)",
)
class InfoNCE(SoftmaxLoss):
    """Cross entropy of picking the positive among the rows of the other view.

    Unlike `nt_xent`, rows of the anchor's own view are no negatives. Deliberate
    difference: a similarity over a temperature in place of CPC's bilinear score.

    Args:
        temperature: Divides every similarity before the softmax; unitless, > 0.

    Raises:
        ValueError: If `temperature` is not greater than 0.
    """

    cross_view_only: ClassVar[bool] = True
