"""The cosine of the angle."""

from torch import Tensor

from contrastive.similarities._base import Similarity
from contrastive.unit import unit_vectors
from search_space.registry import register


@register("similarity", "cosine", source="SimCLR, Chen et al. 2020, arXiv:2002.05709, section 2.1")
class Cosine(Similarity):
    """The cosine of the angle, in [-1, 1]; 0 wherever a representation is 0."""

    def vectors(self, anchors: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vectors at length one."""
        units = unit_vectors(anchors)
        return units, units if candidates is anchors else unit_vectors(candidates)
