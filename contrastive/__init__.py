"""How a batch of windows becomes a loss: views, embedding transformation, pairs, similarity, loss."""

from contrastive.groups import PairGroup
from contrastive.hierarchy import Scale
from contrastive.strategy import Strategy
from contrastive.views import View

__all__ = ["PairGroup", "Scale", "Strategy", "View"]
