"""A trace of another window."""

from dataclasses import replace

import torch

from contrastive.augmentations._base import ShareAugmentation
from contrastive.views import View
from search_space.registry import register


@register(
    "augmentation",
    "mixup",
    choices={"ratio": (0.05, 0.1, 0.2, 0.3, 0.4)},
    needs={"batch": 2},
    source="DACL, Verma et al. 2021, arXiv:2011.04419, section 3 (Mixup noise)",
)
class Mixup(ShareAugmentation):
    """Mix every window with another one of the batch, step by step.

    The other window gets a weight drawn per window from [0, ratio] (the paper's
    lambda is one minus that weight, ratio one minus its alpha). Every window is
    mixed into exactly one other; a batch of one window stays as it is. Where the
    other window is missing, the own value stays; where the own value is missing,
    it stays missing. Deliberate difference: the partner comes from the batch,
    not from the whole training set.

    Args:
        ratio: Largest weight of the other window, in [0, 1).
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        values = view.values
        # Along a random circle of windows nobody is their own partner.
        circle = torch.randperm(len(values), generator=generator, device=values.device)
        partner = torch.empty_like(values)
        partner[circle] = values[circle.roll(1)]
        drawn = torch.rand((len(values), 1, 1), generator=generator, device=values.device)
        mixed = torch.lerp(values, partner, (self.ratio * drawn).to(values.dtype))
        return replace(view, values=torch.where(torch.isnan(partner), values, mixed))
