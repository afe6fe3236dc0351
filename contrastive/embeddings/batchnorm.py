"""Standardisation of each feature over batch and time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_space.registry import register

EPSILON = 1e-5


@register("embedding_norm", "batchnorm", source="Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1")
class BatchNorm(nn.Module):
    """Give every feature mean 0 and variance 1 over all other axes.

    Deliberate differences: no gain and bias (see `layernorm`), no running
    statistics (it acts in training only), and a single vector is allowed: it
    becomes 0.

    Args:
        features: Number of features D; any.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, z: Tensor) -> Tensor:
        """Return the standardised representations; z has shape (..., features)."""
        axes = tuple(range(z.dim() - 1))
        variance, mean = torch.var_mean(z, dim=axes, correction=0, keepdim=True)
        return (z - mean) * (variance + EPSILON).rsqrt()
