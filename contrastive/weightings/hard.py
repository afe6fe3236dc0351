"""Hard anchors more."""

from torch import Tensor

from contrastive.checks import checked
from contrastive.weightings._base import Origin, Weighting, standardised
from search_space.genotype.rules import POSITIVE
from search_space.registry import register


@register(
    "weighting",
    "hard",
    choices={"tilt": (0.25, 0.5, 1.0)},
    source="Tilted empirical risk minimization, Li et al. 2021, arXiv:2007.01162, lemma 1 (weights of the gradient)",
)
class Hard(Weighting):
    """Weight an anchor by e^(tilt * standardised loss).

    Deliberate differences from the source: the loss is standardised over the
    anchors that count, so that one tilt means the same at every temperature and
    level, and the weights multiply the losses themselves.

    Args:
        tilt: Logarithm of how much more an anchor counts whose loss is one
            standard deviation higher, > 0.

    Raises:
        ValueError: If `tilt` is not greater than 0.
    """

    def __init__(self, *, tilt: float) -> None:
        super().__init__()
        self.tilt = checked("hard.tilt", tilt, POSITIVE)

    def _weights(self, losses: Tensor, *, iteration: int, origin: Origin | None) -> Tensor:
        standard = standardised(losses)
        # Less the largest, so that nothing overflows: the mean is made 1 anyway.
        return (self.tilt * (standard - standard.max())).exp()
