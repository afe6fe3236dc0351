"""What all losses share: the signature, and how a loss over pairs becomes one number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from contrastive.groups import AnchorPairs, PairGroup, TwoViewGroup
from contrastive.losses._blocks import LossOverPairs, Recipe, default_block
from contrastive.similarities._base import Similarity
from contrastive.weightings._base import AnchorWeights


class Loss(ABC):
    """How badly the representations of a pair group keep its pairs, as one number."""

    @abstractmethod
    def __call__(
        self,
        group: PairGroup | TwoViewGroup,
        similarity: Similarity | None,
        *,
        weighting: AnchorWeights | None = None,
        block_elements: int | None = None,
    ) -> Tensor:
        """Return the loss of a pair group, a scalar.

        Args:
            group: G groups of pairs.
            similarity: None for a loss that compares nothing.
            weighting: How much every anchor counts, None for all alike; always
                None for a loss that compares nothing.
            block_elements: Most numbers of an intermediate result to hold at
                once; by default what suits the device.
        """


class PairLoss(Loss):
    """Weighted mean over the anchors with positives of what each of them loses.

    The similarities are computed in blocks of groups and anchors, and the
    gradient with them in the same pass, so that all of them never exist at once.
    A weighting sees the losses of all anchors first, which costs a second pass.
    """

    cross_view_only: ClassVar[bool] = False
    """Negatives come from the other view only."""
    scale: float = 1.0
    """What similarities are multiplied with before they are compared."""

    def __call__(
        self,
        group: PairGroup | TwoViewGroup,
        similarity: Similarity | None,
        *,
        weighting: AnchorWeights | None = None,
        block_elements: int | None = None,
    ) -> Tensor:
        """Return the loss of a pair group, a scalar; it can be differentiated once."""
        assert similarity is not None, "a pair loss compares"
        anchors, candidates = similarity.vectors(group.anchors, group.candidates)
        block = block_elements or default_block(anchors.device)
        pairs = group.pairs(cross_view_only=self.cross_view_only)
        recipe = Recipe(self, similarity, pairs, weighting, block)
        others = None if candidates is anchors else candidates
        total: Tensor = LossOverPairs.apply(anchors, others, recipe)  # type: ignore[no-untyped-call]
        return total

    @abstractmethod
    def rows(self, scaled: Tensor, *, pairs: AnchorPairs) -> Tensor:
        """Return the loss of every anchor, 0 for one without positives.

        Args:
            scaled: `scale` times the similarities, shape (G, A, N); may be overwritten.
            pairs: Positives and negatives of the A anchors.

        Returns:
            Shape (G, A).
        """

    @abstractmethod
    def rows_and_slopes(self, scaled: Tensor, *, pairs: AnchorPairs) -> tuple[Tensor, Tensor]:
        """Return the loss of every anchor and its derivative by each scaled similarity.

        Args:
            scaled: `scale` times the similarities, shape (G, A, N); may be overwritten
                where the slope is 0, with anything negative.
            pairs: Positives and negatives of the A anchors.

        Returns:
            Shapes (G, A) and (G, A, N).
        """
