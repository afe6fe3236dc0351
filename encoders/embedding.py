"""A linear map behind the readout: a representation of few numbers."""

import math

import torch
from torch import Tensor, nn

from encoders.linear import Linear

_SMALLEST_DEVIATION = 1e-6  # of a feature, beside the largest one


class Standardization(nn.Module):
    """Features of mean 0 and deviation 1 on training windows; constant ones are 0.

    Args:
        features: How many.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    @torch.no_grad()
    def fit(self, rows: Tensor) -> None:
        """Standardise by the mean and deviation of the rows of training windows, (rows, features)."""
        mean, deviation = rows.mean(dim=0), rows.std(dim=0, unbiased=False)
        floor = _SMALLEST_DEVIATION * deviation.max()
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(deviation > floor, deviation.clamp_min(1e-30).reciprocal(), 0.0))

    def forward(self, z: Tensor) -> Tensor:
        """Standardise, (..., features)."""
        return (z - self.mean) * self.scale


class Embedding(nn.Module):
    """Standardise what the readout gives, and map it to fewer numbers.

    Random directions at first, which keep distances about as they are (Johnson and Lindenstrauss 1984); training or
    `nas.training.closed_form` put others in their place.

    Args:
        features: Width of what is mapped.
        width: Of the embedding.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.standardize = Standardization(features)
        self.map = Linear(features, width, bias=False)
        nn.init.normal_(self.map.weight, std=1.0 / math.sqrt(width))

    def forward(self, z: Tensor) -> Tensor:
        """Return the embedding of what a readout gave, (..., features) -> (..., width)."""
        return self.map(self.standardize(z))  # type: ignore[no-any-return]
