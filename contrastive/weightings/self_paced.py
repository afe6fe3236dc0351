"""Easy anchors first."""

from torch import Tensor

from contrastive.checks import checked
from contrastive.weightings._base import ROUNDING, Origin, Weighting
from search_space.genotype.rules import POSITIVE
from search_space.registry import register


@register(
    "weighting",
    "self_paced",
    choices={"warmup": (50.0, 200.0, 1000.0)},
    source="Kumar et al. 2010 (NeurIPS, self-paced learning); linear soft weights of Jiang et al. 2014 "
    "(ACM Multimedia, easy samples first)",
)
class SelfPaced(Weighting):
    """Weight an anchor by max(0, 1 - excess / pace), its excess being over the easiest anchor's loss.

    The pace (lambda in the papers) is the mean excess divided by the share of the
    warm-up that is still to come: at first only anchors that are easier than the
    average count, when it is over all count alike. Deliberate differences: the
    papers multiply lambda by a constant per round, in units of the loss; ours
    follows the losses, whose scale differs between temperatures and levels, and
    the excess stands for the loss, which may be negative (`dcl`).

    Args:
        warmup: Iterations until all anchors count alike, > 0.

    Raises:
        ValueError: If `warmup` is not greater than 0.
    """

    def __init__(self, *, warmup: float) -> None:
        super().__init__()
        self.warmup = checked("self_paced.warmup", warmup, POSITIVE)

    def _weights(self, losses: Tensor, *, iteration: int, origin: Origin | None) -> Tensor:
        excess = losses - losses.min()
        to_come = max(0.0, 1.0 - iteration / self.warmup)
        return (1.0 - excess * (to_come / (excess.mean() + ROUNDING))).clamp(min=0.0)
