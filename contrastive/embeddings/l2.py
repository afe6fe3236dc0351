"""Length normalisation of representations."""

from torch import Tensor, nn

from contrastive.unit import unit_vectors
from search_space.registry import register


@register("embedding_norm", "l2", source="SimCLR, Chen et al. 2020, arXiv:2002.05709, section 2.1")
class L2(nn.Module):
    """Scale every representation to length one; the zero vector stays zero.

    Args:
        features: Number of features D; any.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, z: Tensor) -> Tensor:
        """Return unit vectors; z has shape (..., features)."""
        return unit_vectors(z)
