"""Minus the Euclidean distance."""

from __future__ import annotations

import torch
from torch import Tensor

from contrastive.similarities._base import Similarity
from search_space.registry import register

EPSILON = 1e-8


@register("similarity", "neg_euclidean", source="AutoCL, arXiv:2403.12641 (Euclidean distance, negated)")
class NegEuclidean(Similarity):
    """Minus the Euclidean distance, -sqrt(|a - c|^2 + 1e-8).

    The constant keeps the gradient finite between equal representations.
    """

    def __call__(self, anchors: Tensor, candidates: Tensor) -> Tensor:
        """Return the negated distances, shape (G, A, N)."""
        # |a|^2 + |c|^2 - 2ac loses digits far from the origin; distances do not care where the origin is.
        centre = candidates.detach().mean(dim=1, keepdim=True)
        anchors, candidates = anchors - centre, candidates - centre
        lengths = candidates.square().sum(dim=-1).unsqueeze(1)  # (G, 1, N)
        squared = torch.baddbmm(lengths, anchors, candidates.transpose(1, 2), alpha=-2.0)
        squared = squared + anchors.square().sum(dim=-1, keepdim=True)
        return -(squared.clamp(min=0.0) + EPSILON).sqrt()
