"""What all losses share: the signature, and what a loss over pairs says of its anchors."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from contrastive.groups import AnchorPairs, Group
from contrastive.losses._blocks import Recipe
from contrastive.losses._over_pairs import LossOverPairs
from contrastive.similarities._base import Similarity
from contrastive.weightings._base import AnchorWeights


class Loss(ABC):
    """How badly the representations of a pair group keep its pairs, as one number."""

    @abstractmethod
    def __call__(
        self, group: Group, similarity: Similarity | None, *, weighting: AnchorWeights | None = None
    ) -> Tensor:
        """Return the loss of a pair group, a scalar.

        Args:
            group: G groups of pairs.
            similarity: None for a loss that compares nothing.
            weighting: How much every anchor counts, None for all alike; always
                None for a loss that compares nothing.
        """


class PairLoss(Loss):
    """Weighted mean over the anchors with positives of what each of them loses.

    The similarities are computed in blocks of groups and anchors, and the gradient
    with them in the same pass, so that all of them never exist at once. A weighting
    sees the losses of all anchors first, which costs a second pass.
    """

    cross_view_only: ClassVar[bool] = False
    """Negatives come from the other view only."""
    scale: float = 1.0
    """What similarities are multiplied with before they are compared."""

    def __call__(
        self, group: Group, similarity: Similarity | None, *, weighting: AnchorWeights | None = None
    ) -> Tensor:
        """Return the loss of a pair group, a scalar; it can be differentiated once."""
        assert similarity is not None, "a pair loss compares"
        anchors, candidates = similarity.vectors(group.anchors, group.candidates)
        recipe = Recipe(self, similarity, self._pairs(group), weighting, group.instances)
        others = None if candidates is anchors else candidates
        total: Tensor = LossOverPairs.apply(anchors, others, recipe)  # type: ignore[no-untyped-call]
        return total

    def _pairs(self, group: Group) -> AnchorPairs | None:
        """Return what the anchors are compared with; None where every two rows are compared once, for both."""
        return group.pairs(cross_view_only=self.cross_view_only)

    @abstractmethod
    def losses_and_slopes(self, scaled: Tensor, *, pairs: AnchorPairs) -> tuple[Tensor, Tensor]:
        """Return the loss of every anchor, 0 for one without positives, and its derivative by each scaled similarity.

        Args:
            scaled: `scale` times the similarities, shape (G, A, N); may be overwritten
                where the slope is 0, with anything negative.
            pairs: Positives and negatives of the A anchors.

        Returns:
            Shapes (G, A) and (G, A, N).
        """
