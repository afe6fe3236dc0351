"""Without the hardest anchors."""

from torch import Tensor

from contrastive.checks import checked
from contrastive.weightings._base import ROUNDING, Origin, Weighting
from search_space.genotype.rules import POSITIVE, Range
from search_space.registry import register

_TRIMMED = Range(0.0, 1.0, open_low=True, open_high=True)


@register(
    "weighting",
    "trimmed",
    choices={"share": (0.05, 0.1, 0.3), "warmup": (200.0, 1000.0)},
    source="Shen and Sanghavi 2019 (ICML, learning with bad training data via iterative trimmed loss minimization), "
    "arXiv:1810.11874; a dropped share that grows: Co-teaching, Han et al. 2018, arXiv:1804.06872",
)
class Trimmed(Weighting):
    """Leave out the share of the anchors that has the largest losses, the others count alike.

    The share grows linearly with the iterations up to `share`: at first losses say
    little. Anchors whose loss equals the largest one kept are kept too.
    Deliberate difference from Shen and Sanghavi: trimmed are the anchors of a
    batch at a level, not the samples of a round.

    Args:
        share: Largest part of the anchors that is left out, in (0, 1).
        warmup: Iterations until that many are left out, > 0.

    Raises:
        ValueError: If a parameter is out of its range.
    """

    def __init__(self, *, share: float, warmup: float) -> None:
        super().__init__()
        self.share = checked("trimmed.share", share, _TRIMMED)
        self.warmup = checked("trimmed.warmup", warmup, POSITIVE)

    def _weights(self, losses: Tensor, *, iteration: int, origin: Origin | None) -> Tensor:
        n = losses.numel()
        left_out = int(n * self.share * min(1.0, iteration / self.warmup))  # fewer than n
        largest_kept = losses.flatten().kthvalue(n - left_out).values
        return (losses <= largest_kept + ROUNDING).to(losses.dtype)
