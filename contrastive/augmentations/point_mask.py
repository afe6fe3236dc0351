"""Time steps declared missing."""

from dataclasses import replace

import torch

from contrastive.augmentations._base import ShareAugmentation
from contrastive.views import View
from search_space.registry import register


@register(
    "augmentation",
    "point_mask",
    choices={"ratio": (0.05, 0.1, 0.2, 0.3, 0.5)},
    source="TS2Vec, Yue et al. 2022, arXiv:2106.10466, section 3.2 (timestamp masking)",
)
class PointMask(ShareAugmentation):
    """Mark a random share of the observed time steps as missing, in all variates.

    A masked step becomes NaN and not 0: 0 is a legitimate value of the series,
    so TS2Vec masks after the input projection instead. NaN hands that decision
    to the encoder, which gives a step without observations a zero latent.

    Args:
        ratio: Share of the observed steps, rounded down, so that at least one
            step is left; in [0, 1).
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        values = view.values
        missing = torch.isnan(values).all(dim=-1)  # (B, T)
        drawn = torch.rand(missing.shape, generator=generator, device=values.device)
        rank = drawn.masked_fill(missing, 2.0).argsort(dim=1).argsort(dim=1)  # missing steps come last
        # The small number keeps 0.3 * 10 from being rounded down to 2.
        masked = rank < torch.floor(self.ratio * (~missing).sum(dim=1, keepdim=True) + 1e-6)
        return replace(view, values=values.masked_fill(masked.unsqueeze(-1), float("nan")))
