"""Random amplitude."""

from dataclasses import replace

import torch

from contrastive.augmentations._base import NoiseAugmentation
from contrastive.views import View
from search_space.registry import register


@register(
    "augmentation",
    "rescale",
    choices={"sigma": (0.05, 0.1, 0.2, 0.3, 0.5)},
    source="Um et al. 2017, arXiv:1706.00527 (scaling); a member of AutoCL's space, arXiv:2403.12641",
)
class Rescale(NoiseAugmentation):
    """Multiply every variate of a window by one random factor near 1.

    The factor is 1 + sigma * N(0, 1), drawn per window and variate.

    Args:
        sigma: Standard deviation of the factor, unitless, >= 0.
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        values = view.values
        shape = (values.shape[0], 1, values.shape[2])
        noise = torch.randn(shape, generator=generator, device=values.device, dtype=values.dtype)
        return replace(view, values=values * (1.0 + self.sigma * noise))
