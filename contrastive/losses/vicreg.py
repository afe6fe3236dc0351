"""Variance, invariance and covariance."""

from torch import Tensor

from contrastive.checks import checked
from contrastive.losses._agreement import AgreementLoss, off_diagonal_squares
from search_space.genotype.rules import NOT_NEGATIVE
from search_space.registry import register

EPSILON = 1e-4


@register(
    "loss",
    "vicreg",
    choices={"invariance": (5.0, 25.0, 50.0), "variance": (5.0, 25.0, 50.0), "covariance": (0.2, 1.0, 5.0)},
    compares=False,
    source="VICReg, Bardes et al. 2022, arXiv:2105.04906, eqs. (1) to (6) and algorithm 1",
)
class VICReg(AgreementLoss):
    """Squared distance to the target, and features that vary and do not repeat each other.

    With anchors Z and targets Z' of D features: invariance * mean (Z - Z')^2 +
    variance * [v(Z) + v(Z')] + covariance * [c(Z) + c(Z')], where v is the mean over
    features of max(0, 1 - standard deviation) and c the sum of the squared
    covariances of different features, divided by D. The published weights are
    25, 25 and 1.

    The first term is a mean over features as in the paper's algorithm 1 (eq. (5)
    sums them). Deliberate differences: Z and Z' are anchors and targets of a
    group, not two batches, and no projector stands between the representations
    and the loss.

    Args:
        invariance: The paper's lambda, >= 0.
        variance: The paper's mu, >= 0.
        covariance: The paper's nu, >= 0.

    Raises:
        ValueError: If a weight is negative.
    """

    def __init__(self, *, invariance: float, variance: float, covariance: float) -> None:
        self.invariance = checked("VICReg.invariance", invariance, NOT_NEGATIVE)
        self.variance = checked("VICReg.variance", variance, NOT_NEGATIVE)
        self.covariance = checked("VICReg.covariance", covariance, NOT_NEGATIVE)

    def _groups(self, anchors: Tensor, targets: Tensor) -> Tensor:
        distance = (anchors - targets).square().mean(dim=(1, 2))
        return self.invariance * distance + self._spread(anchors) + self._spread(targets)

    def _spread(self, rows: Tensor) -> Tensor:
        """Return the variance and covariance terms of one side, shape (G,)."""
        freedom = max(1, rows.shape[1] - 1)
        centred = rows - rows.mean(dim=1, keepdim=True)
        deviation = (centred.square().sum(dim=1) / freedom + EPSILON).sqrt()  # (G, D)
        covariances = off_diagonal_squares(centred, centred) / freedom**2 / rows.shape[2]
        return self.variance * (1.0 - deviation).relu().mean(dim=1) + self.covariance * covariances
