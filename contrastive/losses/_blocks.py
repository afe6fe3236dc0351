"""A loss over pairs, block by block, with its gradient in the same pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from compute.memory import at_a_time
from compute.products import fast_products
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
    """What turns vectors into a loss."""

    loss: PairLoss
    similarity: Similarity
    pairs: AnchorPairs
    weighting: AnchorWeights | None
    block_elements: int


class LossOverPairs(torch.autograd.Function):
    """Mean over groups and counting anchors of the weighted row losses.

    The forward pass leaves the gradient at hand, so the backward pass only scales
    it: no similarity is kept or computed again.
    """

    @staticmethod
    def forward(ctx: Any, anchors: Tensor, candidates: Tensor | None, recipe: Recipe) -> Tensor:
        """Return the loss.

        Args:
            ctx: Keeps the gradients.
            anchors: Vectors, shape (G, A, D).
            candidates: Vectors, shape (G, N, D); None where they are the anchors.
            recipe: What turns them into a loss.
        """
        bfloat16 = torch.is_autocast_enabled(anchors.device.type)
        with torch.autocast(anchors.device.type, enabled=False), fast_products(anchors.device):
            weights = _weights(anchors, candidates, recipe)
            if not any(ctx.needs_input_grad):
                return (_row_losses(anchors, candidates, recipe) * weights).sum()
            total, *gradients = _loss_and_gradients(anchors, candidates, recipe, weights=weights, bfloat16=bfloat16)
        ctx.save_for_backward(*gradients)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor | None, None]:
        """Return the gradients to anchors and candidates."""
        to_anchors, *rest = ctx.saved_tensors
        return to_anchors * slope, rest[0] * slope if rest else None, None


def _weights(anchors: Tensor, candidates: Tensor | None, recipe: Recipe) -> Tensor:
    """Return what every anchor's loss is multiplied with, shape (G, A)."""
    counts = recipe.pairs.counts
    shape = anchors.shape[:2]
    share = (counts.sum().clamp(min=1) * shape[0]).to(anchors.dtype).reciprocal()
    if recipe.weighting is None:
        return share.expand(shape)
    return recipe.weighting(_row_losses(anchors, candidates, recipe), counts=counts) * share


def _row_losses(anchors: Tensor, candidates: Tensor | None, recipe: Recipe) -> Tensor:
    """Return the loss of every anchor, shape (G, A)."""
    others = anchors if candidates is None else candidates
    parts = []
    for groups, first, last in blocks_of(anchors, others, budget=recipe.block_elements):
        scaled = recipe.similarity.between(anchors[groups, first:last], others[groups], scale=recipe.loss.scale)
        parts.append(recipe.loss.rows(scaled, pairs=recipe.pairs.rows(first, last)).flatten())
    return torch.cat(parts).view(anchors.shape[:2])


def _loss_and_gradients(
    anchors: Tensor, candidates: Tensor | None, recipe: Recipe, *, weights: Tensor, bfloat16: bool
) -> tuple[Tensor, ...]:
    """Return the loss and the gradient to the anchors, and to the candidates where these are others."""
    others = anchors if candidates is None else candidates
    scale, total = recipe.loss.scale, anchors.new_zeros(())
    to_anchors, to_others = _Sum(anchors), _Sum(others)
    for groups, first, last in blocks_of(anchors, others, budget=recipe.block_elements):
        some, all_others = anchors[groups, first:last], others[groups]
        scaled = recipe.similarity.between(some, all_others, scale=scale)
        rows, slopes = recipe.loss.rows_and_slopes(scaled, pairs=recipe.pairs.rows(first, last))
        weight = weights[groups, first:last]
        total += (rows * weight).sum()
        slopes *= (weight * scale).unsqueeze(-1)
        themselves = candidates is None and some.shape == all_others.shape
        gradients = recipe.similarity.back(
            slopes, scaled, some, None if themselves else all_others, scale=scale, bfloat16=bfloat16
        )
        to_anchors.add(gradients[0], groups, slice(first, last))
        if not themselves:
            (to_anchors if candidates is None else to_others).add(gradients[1], groups, slice(None))
    return (total, to_anchors.value) if candidates is None else (total, to_anchors.value, to_others.value)


class _Sum:
    """A tensor like another, summed from parts; a part that covers all of it is taken as it is."""

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self.value = like.new_empty(0)

    def add(self, part: Tensor, groups: slice, rows: slice) -> None:
        """Add a part where these groups and rows lie."""
        if self.value.numel() == 0:
            if part.shape == self._like.shape:
                self.value = part.to(self._like.dtype)
                return
            self.value = torch.zeros_like(self._like)
        self.value[groups, rows] += part


def floor(dtype: torch.dtype) -> float:
    """Return what stands for no similarity: finite, so that a row without negatives loses 0 and not NaN."""
    return torch.finfo(dtype).min / 2


def default_block(device: torch.device) -> int:
    """Return how many similarities to hold at once on a device."""
    return at_a_time(CPU_BLOCK if device.type == "cpu" else GPU_BLOCK, "similarity", bytes_each=_FLOAT)


def blocks_of(anchors: Tensor, candidates: Tensor, *, budget: int) -> Iterator[tuple[slice, int, int]]:
    """Yield (groups, first anchor, last anchor + 1) so that no block exceeds the budget (one row is the least).

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
            yield slice(group, group + groups), first, min(first + some, n_anchors)
