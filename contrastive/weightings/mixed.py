"""Easy and hard anchors in pairs."""

import torch
from torch import Tensor

from contrastive.checks import checked
from contrastive.weightings._base import Origin, Weighting, standardised
from contrastive.weightings._order import ordered
from search_space.genotype.rules import POSITIVE
from search_space.registry import register


@register(
    "weighting",
    "mixed",
    choices={"tilt": (0.25, 0.5, 1.0)},
    source="mixup, Zhang et al. 2018, arXiv:1710.09412 (section 2: a pair's losses in the shares lambda and "
    "1 - lambda); pairs of easy and hard as in the notes' mixing of labels",
)
class Mixed(Weighting):
    """Pair the easiest anchor with the hardest, the next with the next, and let the easier one carry more of the pair.

    A pair has two units of weight, of which one with standardised loss s beside a
    partner with s' gets 2 lambda = 2 / (1 + e^(tilt * (s - s'))): a hard anchor is
    diluted by an easy one, and no pair is lost. Deliberate differences from mixup:
    the losses are mixed and not the inputs, as these are what a weighting has,
    and lambda follows from the losses instead of being drawn.

    Args:
        tilt: Logarithm of how much more the easier one counts where both losses are
            one standard deviation apart, > 0.

    Raises:
        ValueError: If `tilt` is not greater than 0.
    """

    def __init__(self, *, tilt: float) -> None:
        super().__init__()
        self.tilt = checked("mixed.tilt", tilt, POSITIVE)

    def _weights(self, losses: Tensor, *, iteration: int, origin: Origin | None) -> Tensor:
        places = ordered(losses.flatten())
        standard = standardised(places.values)
        shares = torch.sigmoid(self.tilt * (standard.flip(0) - standard))
        return places.put_back(shares).view_as(losses)
