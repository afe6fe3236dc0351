"""Standardisation of each representation over its features."""

from torch import Tensor, nn
from torch.nn import functional

from search_space.registry import register


@register("embedding_norm", "layernorm", source="Ba et al. 2016, arXiv:1607.06450, eq. (3)")
class LayerNorm(nn.Module):
    """Give every representation mean 0 and variance 1 over its features.

    Deliberate difference: no gain and bias. The transformation is dropped after
    training, so what it learned would be lost with it.

    Args:
        features: Number of features D.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, z: Tensor) -> Tensor:
        """Return the standardised representations; z has shape (..., features)."""
        return functional.layer_norm(z, (self.features,))
