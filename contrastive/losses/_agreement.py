"""Losses of agreement: anchors near their positives, and statistics that rule out a collapse, without negatives."""

from abc import abstractmethod

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from contrastive.groups import Group
from contrastive.losses._base import Loss
from contrastive.similarities._base import Similarity
from contrastive.weightings._base import AnchorWeights

BLOCK_ELEMENTS = 2**24
"""Numbers of an intermediate result held at once; 64 MiB in single precision."""


class AgreementLoss(Loss):
    """Mean over groups of a loss between the anchors and their targets.

    The target of an anchor is the mean of its positives, of the other view where
    the group has views; anchors without positives do not count. A group's anchors
    are its sample: statistics are taken over them (so in a group of both views'
    rows, over both views). Groups are computed in blocks of about
    `BLOCK_ELEMENTS` numbers; where there is more than one block, the backward
    pass computes each block anew.
    """

    def __call__(
        self, group: Group, similarity: Similarity | None, *, weighting: AnchorWeights | None = None
    ) -> Tensor:
        """Return the loss of a pair group, a scalar; the similarity is not used."""
        assert weighting is None, "only a loss that compares has anchors to weight"
        pairs = group.pairs(cross_view_only=True)
        counted = pairs.counts.nonzero().squeeze(1)
        n_groups, n_anchors, features = group.anchors.shape
        if len(counted) == 0:
            return 0.0 * group.anchors.sum()

        def of_block(anchors: Tensor, candidates: Tensor) -> Tensor:
            positives = candidates[:, pairs.positive_index[counted]]  # (G, A, P, D)
            targets = (positives * pairs.positive_weight[counted].unsqueeze(-1)).sum(dim=2)  # (G, A, D)
            return self._groups(anchors[:, counted], targets).sum()

        numbers = n_anchors * features + min(n_anchors, features) ** 2
        size = max(1, BLOCK_ELEMENTS // numbers)
        if size >= n_groups:
            return of_block(group.anchors, group.candidates) / n_groups
        total = group.anchors.new_zeros(())
        for first in range(0, n_groups, size):
            block = slice(first, first + size)
            total = total + checkpoint(
                of_block, group.anchors[block], group.candidates[block], use_reentrant=False, preserve_rng_state=False
            )
        return total / n_groups

    @abstractmethod
    def _groups(self, anchors: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of every group.

        Args:
            anchors: At least one per group, shape (G, A, D).
            targets: Shape (G, A, D).

        Returns:
            Shape (G,).
        """


def off_diagonal_squares(a: Tensor, b: Tensor) -> Tensor:
    """Return the sum over i != j of the squared entries (i, j) of a^T b.

    Of the features' D x D products and the rows' A x A ones the smaller is
    computed: |a^T b|^2 is the sum of the entries of (a a^T) * (b b^T).

    Args:
        a: Shape (G, A, D).
        b: Shape (G, A, D).

    Returns:
        Shape (G,).
    """
    if a.shape[2] <= a.shape[1]:
        everything = torch.matmul(a.transpose(1, 2), b).square().sum(dim=(1, 2))
    else:
        of_a = torch.matmul(a, a.transpose(1, 2))
        of_b = of_a if b is a else torch.matmul(b, b.transpose(1, 2))
        everything = (of_a * of_b).sum(dim=(1, 2))
    return everything - (a * b).sum(dim=1).square().sum(dim=1)
