"""Removal of random frequencies."""

from dataclasses import replace

import torch

from contrastive.augmentations._base import ShareAugmentation
from contrastive.interpolation import fill_missing
from contrastive.views import View
from search_space.registry import register


@register(
    "augmentation",
    "frequency_mask",
    choices={"ratio": (0.05, 0.1, 0.2, 0.3, 0.4)},
    source="AutoCL, arXiv:2403.12641 (frequency masking); TF-C, Zhang et al. 2022, arXiv:2206.08496, section 4",
)
class FrequencyMask(ShareAugmentation):
    """Remove random Fourier components of every variate.

    Each bin of the real FFT except the constant one is set to 0 with
    probability `ratio`, independently per window and variate. Missing values
    are bridged linearly for the transform and are missing again afterwards.

    Args:
        ratio: Expected share of the bins that is removed, in [0, 1).
    """

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        values = view.values
        missing = torch.isnan(values)
        incomplete = bool(missing.any())
        spectrum = torch.fft.rfft(fill_missing(values) if incomplete else values, dim=1)  # (B, F, V)
        removed = torch.rand(spectrum.shape, generator=generator, device=values.device) < self.ratio
        removed[:, 0] = False
        kept = torch.fft.irfft(spectrum.masked_fill(removed, 0.0), n=values.shape[1], dim=1)
        return replace(view, values=kept.masked_fill(missing, float("nan")) if incomplete else kept)
