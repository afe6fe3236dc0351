"""Additive noise."""

from dataclasses import replace

import torch

from contrastive.augmentations._base import NoiseAugmentation
from contrastive.views import View
from search_space.registry import register


@register(
    "augmentation",
    "jitter",
    choices={"sigma": (0.05, 0.1, 0.2, 0.3, 0.5)},
    source="Um et al. 2017, arXiv:1706.00527; a member of AutoCL's space, arXiv:2403.12641",
)
class Jitter(NoiseAugmentation):
    """Add independent Gaussian noise to every value.

    Args:
        sigma: Standard deviation of the noise, in units of the scaled data, >= 0.
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        values = view.values
        noise = torch.randn(values.shape, generator=generator, device=values.device, dtype=values.dtype)
        return replace(view, values=values + self.sigma * noise)
