"""Values that wander away smoothly."""

from dataclasses import replace

import torch

from contrastive.augmentations._base import NoiseAugmentation
from contrastive.augmentations._smooth_curves import knot_weights
from contrastive.views import View
from search_space.registry import register

KNOTS = 5
"""tsaug's default: three drift points inside the window and one at each end."""


@register(
    "augmentation",
    "drift",
    choices={"sigma": (0.05, 0.1, 0.2, 0.3, 0.5)},
    source="tsaug (Arundo), augmenter Drift (additive, three drift points)",
)
class Drift(NoiseAugmentation):
    """Add a smooth random walk that starts at 0 to every variate.

    A random walk over a few knots, bridged by Gaussian bumps and drawn per
    window and variate, so the later steps drift further. Deliberate differences:
    tsaug scales every drift to the same maximum relative to the range of the
    series; here its size is random and relative to the scaled data, because the
    range of a window with one outlier says little. tsaug bridges by a spline.

    Args:
        sigma: Standard deviation of the drift, root mean square over the steps of
            a window, in units of the scaled data, >= 0.
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        values = view.values
        batch, steps, variates = values.shape
        # Summed from the end, weights of knots become weights of the steps between them.
        walk = knot_weights(steps, knots=KNOTS, like=values).flip(1).cumsum(dim=1).flip(1)  # (T, KNOTS)
        walk = walk - walk[:1]
        size = walk.square().sum(dim=1).mean().sqrt().clamp(min=1e-12)  # 0 where there is one step only
        drawn = torch.randn((batch, KNOTS, variates), generator=generator, dtype=values.dtype, device=values.device)
        return replace(view, values=values + (self.sigma / size * walk) @ drawn)
