"""Attention of the mean step to all steps."""

import math

from torch import Tensor

from encoders.readouts._readout import Readout, mean_over
from search_space.registry import register


@register("readout", "attention", source="scaled dot-product attention, Vaswani et al. 2017, arXiv:1706.03762, eq. (1)")
class AttentionReadout(Readout):
    """Average the steps with weights softmax(z_t . mean(z) / sqrt(features)).

    Free of parameters, so that it works on an encoder that was trained without it.
    """

    def forward(self, z: Tensor, observed: Tensor) -> Tensor:
        """Return the weighted mean; (batch, streams, features)."""
        query = mean_over(z, observed) / math.sqrt(self.features)
        logits = (z @ query.unsqueeze(-1)).squeeze(-1)  # (batch, streams, time)
        # The lowest finite value keeps a window without observed steps free of NaN.
        weights = logits.masked_fill(~observed[:, None], -1e30).softmax(dim=-1) * observed[:, None]
        return (weights.unsqueeze(2) @ z).squeeze(2)
