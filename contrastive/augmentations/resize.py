"""Stretching and shrinking in time."""

import torch
from torch import Tensor

from contrastive.augmentations._base import ShareAugmentation
from contrastive.augmentations._resampling import resample
from contrastive.interpolation import fractional_index
from contrastive.views import View
from search_space.registry import register


@register(
    "augmentation",
    "resize",
    choices={"ratio": (0.05, 0.1, 0.2, 0.3, 0.4)},
    moves_time=True,
    source="AutoCL, arXiv:2403.12641 (resizing), resampled to the original length",
)
class Resize(ShareAugmentation):
    """Stretch or shrink every window in time by its own random factor.

    Output step t shows the source position start + t / factor, by linear
    interpolation; `start` centres the shown range on the window, moved as little
    as needed to keep the core. Stretching (factor > 1) shows a part of the
    window. Shrinking would need data from outside: there the position stops at
    the first or last step, whose value is repeated - a reflection would run
    backwards in time. The reported times are always the positions really shown.
    Missing steps move with the nearest step. Of a view that is not in order of
    time the stretch is one of time too, and the steps stay as they stand.

    Args:
        ratio: The factor is drawn uniformly from [1 - ratio, 1 + ratio]; in [0, 1).
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        if not view.ordered:
            return self._apply_in_time_order(view, generator=generator)
        values, last = view.values, view.values.shape[1] - 1
        drawn = torch.rand((len(values), 1), generator=generator, device=values.device)
        factor = 1.0 + self.ratio * (2.0 * drawn - 1.0)  # (B, 1)
        step = torch.arange(last + 1, device=values.device, dtype=factor.dtype)
        index = self._start(view, last / factor) + step / factor  # (B, T)
        return resample(view, index=index.clamp(0.0, float(last)))

    @staticmethod
    def _start(view: View, length: Tensor) -> Tensor:
        """Return the index of the first shown step; both shapes (B, 1)."""
        start = (view.values.shape[1] - 1 - length) / 2.0
        if view.core is None:
            return start
        core = fractional_index(view.times, positions=view.core)  # (B, 2), in steps of this view
        first, last = core[:, :1], core[:, 1:]
        kept = torch.minimum(torch.maximum(start, last - length), first)
        # A core longer than what can be shown is shown around its own centre.
        return torch.where(last - first > length, (first + last - length) / 2.0, kept)
