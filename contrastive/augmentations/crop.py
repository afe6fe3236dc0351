"""Random sub-windows that overlap."""

from typing import ClassVar

import torch

from contrastive.augmentations._base import ShareAugmentation
from contrastive.interpolation import fractional_index
from contrastive.views import View
from search_space.registry import register


@register(
    "augmentation",
    "crop",
    choices={"ratio": (0.1, 0.2, 0.3, 0.4, 0.5)},
    moves_time=True,
    source="TS2Vec, Yue et al. 2022, arXiv:2106.10466, section 3.2 (random cropping)",
)
class Crop(ShareAugmentation):
    """Cut a random sub-window, at its own place in every window.

    The removed share is drawn once per batch, uniformly from [0, ratio], so the
    result is rectangular; every sub-window contains the core of the view (what
    is left of it after earlier augmentations), which both views share. A core
    that is longer than the drawn length wins. At least two steps are left. The
    sub-window is one of time: of a view that is not in order of time it keeps
    the steps that lie in it, as they stand.

    Args:
        ratio: Largest removed share of the steps, in [0, 1).
    """

    shortens: ClassVar[bool] = True

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        batch, steps = view.times.shape
        device = view.values.device
        drawn = torch.rand(batch + 1, generator=generator, device=device)
        length = max(min(2, steps), round(steps * (1.0 - self.ratio * float(drawn[0]))))
        earliest = torch.zeros(batch, device=device)
        latest = torch.full((batch,), float(steps), device=device)
        if view.core is not None:
            core = fractional_index(view.times_in_order(), positions=view.core)  # (B, 2), in steps of this view
            first, last = core[:, 0].floor(), core[:, 1].ceil()
            length = max(length, int((last - first).max()) + 1)
            earliest, latest = (last - length + 1).clamp(min=0.0), first
        latest = latest.clamp(max=float(steps - length))
        start = earliest + torch.floor(drawn[1:] * (latest - earliest + 1.0)).minimum(latest - earliest)
        index = start.long().unsqueeze(1) + torch.arange(length, device=device)  # (B, length)
        return view.at(index if view.ordered else view.time_order().gather(1, index).sort(dim=1).values)
