"""A loss over pairs, part by part, with its gradient in the same pass."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from compute.products import fast_products
from contrastive.losses._blocks import Block, Recipe, blocks
from contrastive.losses._two_views import Triangle, triangles


class LossOverPairs(torch.autograd.Function):
    """Mean over groups and counting anchors of the anchors' weighted losses.

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
        wanted = any(ctx.needs_input_grad)
        gradients = [_Sum(vectors) for vectors in (anchors, candidates) if vectors is not None]
        with torch.autocast(anchors.device.type, enabled=False), fast_products(anchors.device):
            weights = _weights(anchors, candidates, recipe)
            total = anchors.new_zeros(())
            for part in _parts(anchors, candidates, recipe, keep=wanted):
                weight = weights[part.place]
                total += (part.losses * weight).sum()
                if wanted:
                    for side, groups, rows, gradient in part.gradients(weight, bfloat16=bfloat16):
                        gradients[side].add(gradient, groups, rows)
        ctx.save_for_backward(*(gradient.value for gradient in gradients if wanted))
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor | None, None]:
        """Return the gradients to anchors and candidates."""
        to_anchors, *rest = ctx.saved_tensors
        return to_anchors * slope, rest[0] * slope if rest else None, None


def _parts(
    anchors: Tensor, candidates: Tensor | None, recipe: Recipe, *, keep: bool
) -> Iterator[Block] | Iterator[Triangle]:
    """Yield parts that hold every anchor of every group once, in order."""
    return triangles(anchors, recipe, keep=keep) if recipe.pairs is None else blocks(anchors, candidates, recipe)


def _weights(anchors: Tensor, candidates: Tensor | None, recipe: Recipe) -> Tensor:
    """Return what every anchor's loss is multiplied with, shape (G, A)."""
    shape = anchors.shape[:2]
    counts = anchors.new_ones(shape[1], dtype=torch.bool) if recipe.pairs is None else recipe.pairs.counts
    share = (counts.sum().clamp(min=1) * shape[0]).to(anchors.dtype).reciprocal()
    if recipe.weighting is None:
        return share.expand(shape)
    losses = torch.cat([part.losses.flatten() for part in _parts(anchors, candidates, recipe, keep=False)])
    return recipe.weighting(losses.view(shape), counts=counts, instances=recipe.instances) * share


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
