"""Similarities of pairs in blocks, which never exist all at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from compute.memory import at_a_time
from contrastive.groups import AnchorPairs
from contrastive.similarities._base import Similarity
from contrastive.weightings._base import AnchorWeights

if TYPE_CHECKING:
    from contrastive.losses._base import PairLoss

CPU_BLOCK = 2**20
"""Similarities held at once on a CPU; 8 MiB in single precision stay in its caches."""
GPU_BLOCK = 2**24
"""Similarities held at once on an accelerator, which wants large products; 64 MiB."""

_FLOAT = 4


class Recipe(NamedTuple):
    """What turns vectors into a loss; without pairs, they are two views' rows, compared once for both."""

    loss: PairLoss
    similarity: Similarity
    pairs: AnchorPairs | None
    weighting: AnchorWeights | None
    instances: Tensor | None = None


class GradientPart(NamedTuple):
    """A part of the gradient: to the anchors (side 0) or the candidates (-1, also where these are the anchors)."""

    side: int
    groups: slice
    rows: slice
    value: Tensor


class Block:
    """Some anchors of some groups, compared with all of their candidates.

    Args:
        anchors: Vectors, shape (G, A, D).
        candidates: Vectors, shape (G, N, D); None where they are the anchors.
        recipe: What turns them into a loss.
        place: The groups and the anchors.

    Attributes:
        losses: Of these anchors, shape (groups, anchors).
    """

    def __init__(
        self, anchors: Tensor, candidates: Tensor | None, recipe: Recipe, *, place: tuple[slice, slice]
    ) -> None:
        assert recipe.pairs is not None, "without pairs there are no blocks"
        others = (anchors if candidates is None else candidates)[place[0]]
        self.place, self._recipe, self._anchors = place, recipe, anchors[place]
        self._others = None if candidates is None and self._anchors.shape == others.shape else others
        self._scaled = recipe.similarity.between(self._anchors, others, scale=recipe.loss.scale)
        self.losses, self._slopes = recipe.loss.losses_and_slopes(self._scaled, pairs=recipe.pairs.rows(place[1]))

    def gradients(self, weights: Tensor, *, bfloat16: bool) -> Iterator[GradientPart]:
        """Yield the gradient of the weighted losses.

        Args:
            weights: Of these anchors, shape (groups, anchors).
            bfloat16: Whether products may be taken in bfloat16.
        """
        scale, (groups, rows) = self._recipe.loss.scale, self.place
        slopes = self._slopes.mul_((weights * scale).unsqueeze(-1))
        to_anchors, *to_others = self._recipe.similarity.back(
            slopes, self._scaled, self._anchors, self._others, scale=scale, bfloat16=bfloat16
        )
        yield GradientPart(0, groups, rows, to_anchors)
        for gradient in to_others:
            yield GradientPart(-1, groups, slice(None), gradient)


def blocks(anchors: Tensor, candidates: Tensor | None, recipe: Recipe) -> Iterator[Block]:
    """Yield blocks that hold every anchor of every group once, in order."""
    others = anchors if candidates is None else candidates
    for place in places(anchors, others, budget=default_block(anchors.device)):
        yield Block(anchors, candidates, recipe, place=place)


def places(anchors: Tensor, candidates: Tensor, *, budget: int) -> Iterator[tuple[slice, slice]]:
    """Yield groups and anchors so that no block exceeds the budget (one row is the least).

    Args:
        anchors: Shape (G, A, D).
        candidates: Shape (G, N, D).
        budget: Most similarities of a block.
    """
    n_groups, n_anchors, n_candidates = *anchors.shape[:2], candidates.shape[1]
    groups = max(1, min(n_groups, budget // (n_anchors * n_candidates)))
    some = n_anchors if groups * n_anchors * n_candidates <= budget else max(1, budget // n_candidates)
    for group in range(0, n_groups, groups):
        for first in range(0, n_anchors, some):
            yield slice(group, group + groups), slice(first, min(first + some, n_anchors))


def default_block(device: torch.device) -> int:
    """Return how many similarities to hold at once on a device."""
    return at_a_time(CPU_BLOCK if device.type == "cpu" else GPU_BLOCK, "similarity", bytes_each=_FLOAT)


def floor(dtype: torch.dtype) -> float:
    """Return what stands for no similarity: finite, so that a row without negatives loses 0 and not NaN."""
    return torch.finfo(dtype).min / 2
