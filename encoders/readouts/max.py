"""The maximum over time."""

from torch import Tensor

from encoders.readouts._readout import Readout, max_over
from search_space.registry import register


@register("readout", "max", source="TS2Vec, Yue et al. 2022, arXiv:2106.10466, section 4.1 (instance level)")
class MaxReadout(Readout):
    """Take each feature's maximum over the observed steps."""

    def forward(self, z: Tensor, observed: Tensor) -> Tensor:
        """Return the maximum; (batch, streams, features)."""
        return max_over(z, observed)
