"""Time that runs faster here and slower there."""

import torch

from contrastive.augmentations._base import NoiseAugmentation
from contrastive.augmentations._resampling import resample
from contrastive.augmentations._smooth_curves import standard_curves
from contrastive.views import View, observed_span
from search_space.registry import register


@register(
    "augmentation",
    "time_warp",
    choices={"sigma": (0.05, 0.1, 0.2, 0.3, 0.5)},
    moves_time=True,
    source="Um et al. 2017, arXiv:1706.00527 (time warping, sigma 0.2, four knots)",
)
class TimeWarp(NoiseAugmentation):
    """Let time run at a smoothly changing random speed, with both ends of the series where they were.

    Output step t shows the source position that a clock of speed
    exp(sigma * c(t)) has reached, c being a smooth random curve per window;
    all variates share it. The clock starts at the first observed step and is
    scaled to arrive at the last, so all of the series is shown and padding
    stays. Missing steps move with the nearest step. Of a view that is not in
    order of time the warp is one of time too, and the steps stay as they stand.
    Deliberate difference: the speed is the exponential of a curve, because one
    drawn around 1 may turn negative and run time backwards.

    Args:
        sigma: Standard deviation of the logarithm of the speed, >= 0.
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        if not view.ordered:
            return self._apply_in_time_order(view, generator=generator)
        batch, steps = view.times.shape
        curves = standard_curves((batch, steps, 1), like=view.times, generator=generator).squeeze(-1)
        clock = torch.softmax(self.sigma * curves, dim=1).cumsum(dim=1)  # (B, T), the softmax overflows at no sigma
        span = observed_span(view.values)  # (B, 2), in steps of this view
        start, end = clock.gather(1, span.long()).chunk(2, dim=1)
        first, last = span.chunk(2, dim=1)
        warped = first + (clock - start) / (end - start).clamp(min=1e-12) * (last - first)
        step = torch.arange(steps, device=clock.device, dtype=clock.dtype).expand_as(clock)
        inside = (step > first) & (step < last)
        index = torch.where(inside, torch.minimum(torch.maximum(warped, first), last), step)
        return resample(view, index=index)
