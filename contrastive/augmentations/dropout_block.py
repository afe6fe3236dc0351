"""One stretch of time declared missing."""

from dataclasses import replace

import torch

from contrastive.augmentations._base import ShareAugmentation
from contrastive.views import View
from search_space.registry import register


@register(
    "augmentation",
    "dropout_block",
    choices={"ratio": (0.05, 0.1, 0.2, 0.3, 0.5)},
    source="Cutout, DeVries and Taylor 2017, arXiv:1708.04552, along time; InfoTS, Luo et al. 2023, arXiv:2303.11911",
)
class DropoutBlock(ShareAugmentation):
    """Mark one random stretch of the observed time steps as missing, in all variates.

    The steps are NaN and not 0, as in `point_mask`; a stretch cannot be guessed
    from its neighbours, which single steps can. Deliberate difference: Cutout
    lets the block hang over the edge, here the removed share is always the same.

    Args:
        ratio: Share of the observed steps, rounded down, so that at least one
            step is left; in [0, 1).
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        values = view.values
        observed = ~torch.isnan(values).all(dim=-1)  # (B, T)
        count = observed.sum(dim=1, keepdim=True)
        # The small number keeps 0.3 * 10 from being rounded down to 2.
        length = torch.floor(self.ratio * count + 1e-6)
        room = count - length
        drawn = torch.rand((len(values), 1), generator=generator, device=values.device)
        start = torch.floor(drawn * (room + 1.0)).minimum(room)
        rank = observed.long().cumsum(dim=1) - 1  # among the observed steps
        masked = (rank >= start) & (rank < start + length)
        return replace(view, values=values.masked_fill(masked.unsqueeze(-1), float("nan")))
