"""Views together, windows over as large a volume as possible."""

import math

import torch
from torch import Tensor

from contrastive.checks import SHARE, checked
from contrastive.losses._agreement import AgreementLoss
from search_space.registry import register

EPSILON = 1e-4


@register(
    "loss",
    "log_det",
    choices={"strength": (0.03, 0.1, 0.3, 0.9)},
    compares=False,
    source="CorInfoMax, Ozsoy et al. 2022, arXiv:2209.07999, section 3 (log-determinant of the covariance)",
)
class LogDet(AgreementLoss):
    """Squared distance to the target, minus the logarithm of the volume that the windows fill.

    With anchors Z, targets Z' and M half way between them, of D features: strength * mean |Z - Z'|^2 + (1 - strength) *
    mean |Z|^2 - log det(cov(M) + 1e-4 I). The middle term bounds the volume. Where the loss sees an embedding of
    readouts, nothing descends: the map is computed (`contrastive.closed_form`), and the decay of its weights stands for
    the middle term.

    Deliberate differences: one covariance, of what lies half way between the views, instead of one per view and a
    running one; so views that are apart do not count as volume.

    Args:
        strength: Weight of the agreement beside the decay, in [0, 1).

    Raises:
        ValueError: If `strength` is out of its range.
    """

    def __init__(self, *, strength: float) -> None:
        self.strength = checked("LogDet.strength", strength, SHARE)

    def _groups(self, anchors: Tensor, targets: Tensor) -> Tensor:
        apart = (anchors - targets).square().sum(dim=2).mean(dim=1)
        size = anchors.square().sum(dim=2).mean(dim=1)
        return self.strength * apart + (1.0 - self.strength) * size - _log_volume((anchors + targets) / 2.0)


def _log_volume(rows: Tensor) -> Tensor:
    """Return log det(cov + EPSILON I) of every group, by the rows' Gram matrix where they are few; (G,)."""
    # in double precision: beside large variances a single one rounds EPSILON away, and what does not vary is singular
    centred = rows.double() - rows.double().mean(dim=1, keepdim=True)
    n, features = rows.shape[1:]
    few = n < features
    products = centred @ centred.transpose(1, 2) if few else centred.transpose(1, 2) @ centred
    identity = torch.eye(products.shape[1], dtype=products.dtype, device=rows.device)
    volume: Tensor = torch.linalg.slogdet(products / n + EPSILON * identity).logabsdet
    return (volume + (features - n) * math.log(EPSILON) if few else volume).to(rows.dtype)
