"""What all similarities share: vectors, their similarities, and the gradient back to the vectors."""

import torch
from torch import Tensor

_LARGE = 2**20
"""Multiply-adds of a matrix product that is worth a call of its own."""


class Similarity:
    """How close two representations are; larger means closer, symmetric in its arguments.

    An option says which vectors it compares (`vectors`, ordinary differentiable
    code whose cost grows with the rows) and how they compare (`between`, with its
    gradient `back`, whose cost grows with the pairs): by their inner product if it
    does not say so. A loss runs the second part block by block and never holds all pairs.
    """

    def __call__(self, anchors: Tensor, candidates: Tensor) -> Tensor:
        """Return all similarities within each group.

        Args:
            anchors: Shape (G, A, D).
            candidates: Shape (G, N, D).

        Returns:
            Shape (G, A, N).
        """
        return self.between(*self.vectors(anchors, candidates), scale=1.0)

    def vectors(self, anchors: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is compared, of the same shapes; one tensor twice where `candidates` is `anchors`."""
        return anchors, candidates

    def between(self, anchors: Tensor, candidates: Tensor, *, scale: float) -> Tensor:
        """Return `scale` times the similarities of vectors, shape (G, A, N); `scale` > 0."""
        return product(anchors, candidates.transpose(1, 2), scale=scale)

    def back(
        self,
        slopes: Tensor,
        scaled: Tensor,
        anchors: Tensor,
        candidates: Tensor | None,
        *,
        scale: float,
        bfloat16: bool,
    ) -> tuple[Tensor, ...]:
        """Return the gradients of a loss to the vectors.

        Args:
            slopes: Derivative of the loss by every similarity (not scaled), shape (G, A, N).
            scaled: What `between` gave; where a slope is 0 it may be anything negative.
            anchors: Shape (G, A, D).
            candidates: Shape (G, N, D); None where they are the anchors.
            scale: As for `between`.
            bfloat16: Whether products may be taken in bfloat16.

        Returns:
            Of shapes (G, A, D) and (G, N, D); one gradient, the sum of both, where there are no other candidates.
        """
        return weighted_sums(slopes, anchors, candidates, bfloat16=bfloat16)


def weighted_sums(weights: Tensor, anchors: Tensor, candidates: Tensor | None, *, bfloat16: bool) -> tuple[Tensor, ...]:
    """Return per anchor the weighted sum of the candidates, and per candidate that of the anchors.

    Args:
        weights: Shape (G, A, N).
        anchors: Shape (G, A, D).
        candidates: Shape (G, N, D); None where they are the anchors.
        bfloat16: Whether to round the factors to bfloat16 (8 significant bits); sums are single precision.

    Returns:
        Of shapes (G, A, D) and (G, N, D), or the sum of both where there are no other candidates.
    """
    if candidates is None:
        weights = weights + weights.transpose(1, 2)
    if bfloat16:
        weights, anchors = weights.bfloat16(), anchors.bfloat16()
        candidates = None if candidates is None else candidates.bfloat16()
    if candidates is None:
        return (product(weights, anchors),)
    return product(weights, candidates), product(weights.transpose(1, 2), anchors)


def product(a: Tensor, b: Tensor, *, scale: float = 1.0) -> Tensor:
    """Return `scale` times the matrix products (G, A, K) x (G, K, N) -> (G, A, N).

    Large ones are taken one by one: the batched product copies operands that are transposed or parts of others.
    """
    nothing = a.new_zeros(())
    if a[0].numel() * b.shape[2] < _LARGE:
        return torch.baddbmm(nothing, a, b, beta=0.0, alpha=scale)
    result = a.new_empty(len(a), a.shape[1], b.shape[2])
    for left, right, whole in zip(a, b, result, strict=True):
        torch.addmm(nothing, left, right, beta=0.0, alpha=scale, out=whole)
    return result
