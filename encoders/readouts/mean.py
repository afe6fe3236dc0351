"""The mean over time."""

from torch import Tensor

from encoders.readouts._readout import Readout, mean_over
from search_space.registry import register


@register("readout", "mean", source="global average pooling, Lin et al. 2014, arXiv:1312.4400")
class MeanReadout(Readout):
    """Average the observed steps."""

    def forward(self, z: Tensor, observed: Tensor) -> Tensor:
        """Return the mean; (batch, streams, features)."""
        return mean_over(z, observed)
