"""Proportion of positive values, with the maximum."""

from typing import ClassVar

import torch
from torch import Tensor

from encoders.readouts._readout import Readout, max_over, mean_over
from search_space.registry import register


@register("readout", "ppv", source="ROCKET, Dempster et al. 2020, arXiv:1910.13051, section 3.2")
class PpvReadout(Readout):
    """Concatenate the share of steps at which a feature is positive with its maximum."""

    parts = 2
    compares: ClassVar[bool] = True

    def forward(self, z: Tensor, observed: Tensor) -> Tensor:
        """Return shares, then maxima; (batch, streams, 2 * features)."""
        shares = mean_over((z > 0).to(z.dtype), observed)
        return torch.cat([shares, max_over(z, observed)], dim=-1)
