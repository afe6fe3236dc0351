"""Series turned upside down."""

from dataclasses import replace

import torch

from contrastive.augmentations._base import ShareAugmentation
from contrastive.views import View
from search_space.registry import register


@register(
    "augmentation",
    "flip",
    choices={"ratio": (0.1, 0.2, 0.3, 0.5)},
    source="Wen et al. 2021, arXiv:2002.12478 (flipping); Iwana and Uchida 2021, arXiv:2007.15951 (flipping)",
)
class Flip(ShareAugmentation):
    """Change the sign of a variate with a given probability.

    Drawn per window and variate. Flipping means the sign in the surveys of
    time-series augmentation; running time backwards goes by the name of reversal
    there and is another option. The sign is changed about 0, which is the mean
    of the training rows where the data are scaled. Deliberate difference: only a
    share of the variates is flipped, so that a strength exists.

    Args:
        ratio: Probability of a change of sign, in [0, 1).
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        values = view.values
        drawn = torch.rand((values.shape[0], 1, values.shape[2]), generator=generator, device=values.device)
        return replace(view, values=torch.where(drawn < self.ratio, -values, values))
