"""Standardisation of each feature over batch and time."""

import torch.nn.functional as F
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
        rows = z.reshape(-1, z.shape[-1])
        if len(rows) == 1:
            return z - z
        # Torch's kernel sums in float32, so the mean, which changes neither result nor gradient, is taken away before.
        centred = rows - rows.detach().mean(dim=0)
        return F.batch_norm(centred, None, None, training=True, eps=EPSILON).view(z.shape)
