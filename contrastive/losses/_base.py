"""What all losses share: the signature, masks, and blocks for similarity tensors that would be too large."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from contrastive.groups import PairGroup
from contrastive.similarities._base import Similarity
from contrastive.weightings._base import AnchorWeights

BLOCK_ELEMENTS = 2**24
"""Similarities held at once; 64 MiB in single precision."""


class AnchorPairs(NamedTuple):
    """What A anchors are compared with.

    Attributes:
        positive_index: Indices of the positives, padded, shape (A, P).
        positive_weight: 1 / number of positives, 0 in the padding, shape (A, P).
        negatives: Boolean mask, shape (A, N).
        one_positive_each: Every anchor has exactly one positive.
    """

    positive_index: Tensor
    positive_weight: Tensor
    negatives: Tensor
    one_positive_each: bool

    def rows(self, first: int, last: int) -> AnchorPairs:
        """Return the part of the anchors first..last-1."""
        part = slice(first, last)
        return AnchorPairs(
            self.positive_index[part], self.positive_weight[part], self.negatives[part], self.one_positive_each
        )

    def positives_of(self, similarities: Tensor) -> Tensor:
        """Return the similarities to the positives, shape (G, A, P) from (G, A, N)."""
        return similarities.gather(-1, self.positive_index.expand(len(similarities), -1, -1))


class Loss(ABC):
    """How badly the representations of a pair group keep its pairs, as one number."""

    @abstractmethod
    def __call__(
        self,
        group: PairGroup,
        similarity: Similarity | None,
        *,
        weighting: AnchorWeights | None = None,
        block_elements: int = BLOCK_ELEMENTS,
    ) -> Tensor:
        """Return the loss of a pair group, a scalar.

        Args:
            group: G groups of pairs.
            similarity: None for a loss that compares nothing.
            weighting: How much every anchor counts, None for all alike; always
                None for a loss that compares nothing.
            block_elements: Most numbers of an intermediate result to hold at once.
        """


class PairLoss(Loss):
    """Mean over anchors of a loss that each anchor has with its positives and negatives.

    Anchors without positives do not count. The similarities of a group are
    computed in blocks of at most `block_elements`; where there is more than one
    block, the backward pass computes each block anew instead of keeping it. A
    weighting sees the losses of all blocks at once.
    """

    cross_view_only: ClassVar[bool] = False
    """Negatives come from the other view only."""

    def __call__(
        self,
        group: PairGroup,
        similarity: Similarity | None,
        *,
        weighting: AnchorWeights | None = None,
        block_elements: int = BLOCK_ELEMENTS,
    ) -> Tensor:
        """Return the loss of a pair group, a scalar."""
        assert similarity is not None, "a pair loss compares"
        pairs = anchor_pairs(group, cross_view_only=self.cross_view_only)
        n_groups, n_anchors, _ = group.anchors.shape
        counts = pairs.positive_weight.sum(dim=1) > 0  # (A,)
        blocks = list(_blocks(n_groups, n_anchors, group.candidates.shape[1], budget=block_elements))

        def of_block(anchors: Tensor, candidates: Tensor, first: int, last: int) -> Tensor:
            rows = self._rows(similarity(anchors, candidates), pairs=pairs.rows(first, last))
            return rows.sum() if weighting is None else rows

        parts = []
        for groups, first, last in blocks:
            candidates = group.candidates[groups]
            # where rows are compared with themselves, a similarity may use that they are the same tensor
            with_themselves = group.anchors is group.candidates and last - first == n_anchors
            anchors = candidates if with_themselves else group.anchors[groups, first:last]
            if len(blocks) == 1:
                parts.append(of_block(anchors, candidates, first, last))
            else:
                parts.append(
                    checkpoint(
                        of_block, anchors, candidates, first, last, use_reentrant=False, preserve_rng_state=False
                    )
                )
        if weighting is None:
            total = sum(parts, start=group.anchors.new_zeros(()))
        else:
            rows = torch.cat([part.flatten() for part in parts]).view(n_groups, n_anchors)
            total = (rows * weighting(rows.detach(), counts=counts)).sum()
        return total / (n_groups * counts.sum().clamp(min=1))

    @abstractmethod
    def _rows(self, similarities: Tensor, *, pairs: AnchorPairs) -> Tensor:
        """Return the loss of every anchor, 0 for one without positives.

        Args:
            similarities: Shape (G, A, N).
            pairs: Positives and negatives of the A anchors.

        Returns:
            Shape (G, A).
        """


def anchor_pairs(group: PairGroup, *, cross_view_only: bool) -> AnchorPairs:
    """Return what the anchors of a group are compared with, of the other view only where asked for."""
    positives = group.positives & ~group.excluded
    negatives = ~(group.positives | group.excluded)
    if cross_view_only:
        positives, negatives = positives & ~group.same_view, negatives & ~group.same_view
    counts = positives.sum(dim=1, keepdim=True)  # (A, 1)
    most = max(1, int(counts.max()))
    found, index = positives.to(torch.uint8).topk(most, dim=1)
    weight = found.to(group.anchors.dtype) / counts.clamp(min=1)
    one_each = most == 1 and bool((counts == 1).all())
    return AnchorPairs(positive_index=index, positive_weight=weight, negatives=negatives, one_positive_each=one_each)


def _blocks(n_groups: int, n_anchors: int, n_candidates: int, *, budget: int) -> Iterator[tuple[slice, int, int]]:
    """Yield (groups, first anchor, last anchor + 1) so that no block exceeds the budget (one row is the least)."""
    groups = max(1, min(n_groups, budget // (n_anchors * n_candidates)))
    anchors = n_anchors if groups * n_anchors * n_candidates <= budget else max(1, budget // n_candidates)
    for group in range(0, n_groups, groups):
        for first in range(0, n_anchors, anchors):
            yield slice(group, group + groups), first, min(first + anchors, n_anchors)
