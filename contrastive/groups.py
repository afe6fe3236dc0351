"""Pair groups: rows of representations and which of them belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class PairGroup:
    """Anchors and candidates in G groups that share one pattern of pairs.

    A candidate that is neither positive nor excluded is a negative.

    Args:
        anchors: What is compared, shape (G, A, D).
        candidates: What it is compared with, shape (G, N, D).
        positives: The candidates that belong to the anchor, shape (A, N).
        excluded: The candidates that do not count, such as the anchor itself,
            shape (A, N).
        same_view: The candidates from the view of the anchor, shape (A, N).
        instances: The row (window x stream) of the batch that each anchor belongs to,
            None where nobody knows, shape (G, A), (1, A) or (G, 1).
    """

    anchors: Tensor
    candidates: Tensor
    positives: Tensor
    excluded: Tensor
    same_view: Tensor
    instances: Tensor | None = None

    def pairs(self, *, cross_view_only: bool) -> AnchorPairs:
        """Return what the anchors are compared with, of the other view only where asked for."""
        positives = self.positives & ~self.excluded
        negatives = ~(self.positives | self.excluded)
        if cross_view_only:
            positives, negatives = positives & ~self.same_view, negatives & ~self.same_view
        counts = positives.sum(dim=1, keepdim=True)  # (A, 1)
        most = max(1, int(counts.max()))
        is_positive, index = positives.to(torch.uint8).topk(most, dim=1)
        return AnchorPairs(index, is_positive.to(self.anchors.dtype) / counts.clamp(min=1), negatives)


@dataclass(frozen=True, eq=False)
class TwoViewGroup:
    """Rows of view 1 followed by the same rows of view 2, compared with themselves.

    A `PairGroup` whose pattern is known without masks: the positive of a row is
    the same row of the other view, the row itself is excluded.

    Args:
        rows: Both the anchors and the candidates, shape (G, 2R, D), R >= 2.
        instances: As in a `PairGroup`.
    """

    rows: Tensor
    instances: Tensor | None = None

    @property
    def anchors(self) -> Tensor:
        """The rows."""
        return self.rows

    @property
    def candidates(self) -> Tensor:
        """The rows."""
        return self.rows

    @property
    def positives(self) -> Tensor:
        """As in a `PairGroup`."""
        return self._masks().positives

    @property
    def excluded(self) -> Tensor:
        """As in a `PairGroup`."""
        return self._masks().excluded

    @property
    def same_view(self) -> Tensor:
        """As in a `PairGroup`."""
        return self._masks().same_view

    def _masks(self) -> Masks:
        return two_view_masks(self.rows.shape[1] // 2, device=self.rows.device)

    def pairs(self, *, cross_view_only: bool) -> AnchorPairs:
        """Return what the rows are compared with, of the other view only where asked for."""
        n, device = self.rows.shape[1], self.rows.device
        half = n // 2
        index = torch.arange(n, device=device).roll(half).unsqueeze(1)
        negatives = torch.ones(n, n, dtype=torch.bool, device=device)
        if cross_view_only:
            negatives[:half, :half] = False
            negatives[half:, half:] = False
        else:
            negatives.fill_diagonal_(False)
        for offset in (half, -half):
            negatives.diagonal(offset).fill_(False)
        return AnchorPairs(index, torch.ones(n, 1, dtype=self.rows.dtype, device=device), negatives)


Group = PairGroup | TwoViewGroup


class AnchorPairs(NamedTuple):
    """What A anchors are compared with.

    Attributes:
        positive_index: Indices of the positives, padded, shape (A, P).
        positive_weight: 1 / number of positives, 0 in the padding, shape (A, P).
        negatives: Boolean mask, shape (A, N).
    """

    positive_index: Tensor
    positive_weight: Tensor
    negatives: Tensor

    @property
    def counts(self) -> Tensor:
        """Which anchors have positives and so count, shape (A,)."""
        return self.positive_weight.sum(dim=1) > 0

    def rows(self, part: slice) -> AnchorPairs:
        """Return those of some anchors."""
        return AnchorPairs(self.positive_index[part], self.positive_weight[part], self.negatives[part])

    def positives_of(self, similarities: Tensor) -> Tensor:
        """Return the similarities to the positives, shape (G, A, P) from (G, A, N)."""
        return similarities.gather(-1, self.positive_index.expand(len(similarities), -1, -1))

    def put_positives_(self, similarities: Tensor, of_positives: Tensor) -> None:
        """Set the entries of (G, A, N) that belong to the positives to those of (G, A, P), in place."""
        similarities.scatter_(-1, self.positive_index.expand(len(similarities), -1, -1), of_positives)

    def add_to_positives_(self, slopes: Tensor, of_positives: Tensor) -> None:
        """Add (G, A, P) to the entries of (G, A, N) that belong to the positives, in place."""
        slopes.scatter_add_(-1, self.positive_index.expand(len(slopes), -1, -1), of_positives)


class Masks(NamedTuple):
    """Boolean masks of a `PairGroup`, each of shape (A, N)."""

    positives: Tensor
    excluded: Tensor
    same_view: Tensor


def two_view_masks(rows: int, *, device: torch.device) -> Masks:
    """Return the pattern for `rows` rows of view 1 followed by `rows` rows of view 2.

    The positive of a row is the same row of the other view; the row itself is
    excluded. All masks have the shape (2 rows, 2 rows).
    """
    same = torch.eye(rows, dtype=torch.bool, device=device)
    view = torch.arange(2 * rows, device=device) >= rows
    return Masks(
        positives=same.repeat(2, 2) & (view[:, None] != view),
        excluded=torch.eye(2 * rows, dtype=torch.bool, device=device),
        same_view=view[:, None] == view,
    )
