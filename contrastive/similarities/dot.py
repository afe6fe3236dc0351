"""The inner product."""

from contrastive.similarities._base import Similarity
from search_space.registry import register


@register("similarity", "dot", source="TS2Vec, Yue et al. 2022, arXiv:2106.10466, eq. (1)")
class Dot(Similarity):
    """The inner product; unbounded, so long representations count more."""
