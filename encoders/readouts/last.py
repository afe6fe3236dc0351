"""The last observed step."""

from typing import ClassVar

import torch
from torch import Tensor

from encoders.readouts._readout import Readout
from search_space.registry import register


@register("readout", "last", source="TS2Vec, Yue et al. 2022, arXiv:2106.10466, section 4.2 (forecasting)")
class LastReadout(Readout):
    """Take the representation of the last observed step."""

    stride: ClassVar[int] = 0

    def forward(self, z: Tensor, observed: Tensor) -> Tensor:
        """Return the last step's vector; (batch, streams, features)."""
        places = torch.arange(observed.shape[1], device=observed.device)
        last = torch.where(observed, places, -1).amax(dim=1)  # (batch,)
        rows = torch.arange(z.shape[0], device=z.device)
        chosen = z[rows, :, last.clamp(min=0)]  # (batch, streams, features)
        return chosen.masked_fill((last < 0)[:, None, None], 0.0)
