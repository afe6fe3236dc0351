"""Cross-correlation that should be the identity."""

from torch import Tensor

from contrastive.checks import checked
from contrastive.losses._agreement import AgreementLoss, off_diagonal_squares
from search_space.genotype.rules import NOT_NEGATIVE
from search_space.registry import register

EPSILON = 1e-5


@register(
    "loss",
    "barlow_twins",
    choices={"off_diagonal": (0.005, 0.02, 0.1)},
    compares=False,
    source="Barlow Twins, Zbontar et al. 2021, arXiv:2103.03230, eqs. (1) and (2)",
)
class BarlowTwins(AgreementLoss):
    """Every feature agrees with itself in the target and is uncorrelated with all others.

    With C the cross-correlation of anchors and targets over a group: the sum over i
    of (1 - C_ii)^2 + off_diagonal * the sum over i != j of C_ij^2. The paper's weight
    is 0.005 at 8192 features; with the hundred of ours a larger one gives both sums
    the same say, so larger ones are among the choices.

    Deliberate differences: the two batches are anchors and targets of a group; 1e-5
    is added to the variances (as a batch norm does), so that a constant feature
    counts as uncorrelated; no projector stands before the loss.

    Args:
        off_diagonal: The paper's lambda, >= 0.

    Raises:
        ValueError: If `off_diagonal` is negative.
    """

    def __init__(self, *, off_diagonal: float) -> None:
        self.off_diagonal = checked("BarlowTwins.off_diagonal", off_diagonal, NOT_NEGATIVE)

    def _groups(self, anchors: Tensor, targets: Tensor) -> Tensor:
        a, b = _standardised(anchors), _standardised(targets)
        rows = a.shape[1]
        own = (a * b).mean(dim=1)  # (G, D), the diagonal of C
        return (1.0 - own).square().sum(dim=1) + self.off_diagonal * off_diagonal_squares(a, b) / rows**2


def _standardised(rows: Tensor) -> Tensor:
    centred = rows - rows.mean(dim=1, keepdim=True)
    return centred * (centred.square().mean(dim=1, keepdim=True) + EPSILON).rsqrt()
