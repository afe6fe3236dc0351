"""A net that learns what a loss says about an anchor."""

from torch import Tensor

from contrastive.weightings._base import Origin, standardised
from contrastive.weightings._meta_net import MetaNetWeighting
from search_space.registry import register


@register(
    "weighting",
    "meta_weight_net",
    choices={"rate": (0.03, 0.1, 0.3)},
    source="Meta-Weight-Net, Shu et al. 2019, arXiv:1902.07379, algorithm 1",
)
class MetaWeightNet(MetaNetWeighting):
    """Weight an anchor by a net of its loss, trained so that a step on the weighted losses helps held-out windows.

    Deliberate differences: the step that is looked ahead is that of a linear map behind the
    representations, its effect is taken to first order, and the net learns every
    fifth iteration, as steps of the whole encoder would cost a backward pass for every
    anchor; a quarter of the batch's windows is held out in place of a clean labelled set,
    which contrastive training has not; the loss is standardised, as its scale differs between
    temperatures and levels.

    Args:
        rate: Learning rate of the net, > 0.

    Raises:
        ValueError: If `rate` is not greater than 0.
    """

    def __init__(self, *, rate: float) -> None:
        super().__init__(n_inputs=1, rate=rate)

    def _weights(self, losses: Tensor, *, iteration: int, origin: Origin | None) -> Tensor:
        return self._said(self._inputs(losses, iteration=iteration, call=0, origin=origin))

    def _inputs(self, losses: Tensor, *, iteration: int, call: int, origin: Origin | None) -> Tensor:
        return standardised(losses).unsqueeze(-1)
