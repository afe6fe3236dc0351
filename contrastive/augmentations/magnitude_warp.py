"""Amplitude that changes smoothly along the window."""

from dataclasses import replace

import torch

from contrastive.augmentations._base import NoiseAugmentation
from contrastive.augmentations._smooth_curves import standard_curves
from contrastive.views import View
from search_space.registry import register


@register(
    "augmentation",
    "magnitude_warp",
    choices={"sigma": (0.05, 0.1, 0.2, 0.3, 0.5)},
    source="Um et al. 2017, arXiv:1706.00527 (magnitude warping, sigma 0.2, four knots)",
)
class MagnitudeWarp(NoiseAugmentation):
    """Multiply every variate of a window by its own smooth random curve around 1.

    The curve is 1 + sigma * c(t), drawn per window and variate. Deliberate
    difference: c follows its knots through Gaussian bumps instead of a cubic
    spline, which makes its standard deviation 1 at every step - that of a spline
    changes between the knots.

    Args:
        sigma: Standard deviation of the curve at every step, unitless, >= 0.
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        batch, steps, variates = view.values.shape
        curves = standard_curves((batch, steps, variates), like=view.values, generator=generator)
        return replace(view, values=view.values * (1.0 + self.sigma * curves))
