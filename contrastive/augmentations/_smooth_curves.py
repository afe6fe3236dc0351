"""Random smooth curves over the steps of a window, as weighted means of values at a few knots."""

import torch
from torch import Tensor

KNOTS = 6
"""Four knots inside the window and one at each end (Um et al. 2017, arXiv:1706.00527, of warping)."""

_SHARPNESS = 2.0
"""Half the inverse variance of the bump around a knot: its standard deviation is half the distance of two knots."""


def knot_weights(steps: int, *, knots: int, like: Tensor) -> Tensor:
    """Return how much each knot counts at each step: normalised Gaussian bumps, rows sum to 1.

    The knots are evenly spaced from the first to the last step. A weight is a
    smooth function of the place in the window, so curves made of weights bend
    less per step the longer the window is.

    Args:
        steps: Number of steps T.
        knots: Number of knots K.
        like: Gives dtype and device.

    Returns:
        Weights, shape (T, K).
    """
    place = torch.linspace(0.0, knots - 1.0, steps, dtype=like.dtype, device=like.device)
    knot = torch.arange(knots, dtype=like.dtype, device=like.device)
    return torch.softmax(-_SHARPNESS * (place.unsqueeze(1) - knot).square(), dim=1)


def standard_curves(shape: tuple[int, int, int], *, like: Tensor, generator: torch.Generator) -> Tensor:
    """Return random smooth curves with mean 0 and standard deviation 1 at every step, each of `KNOTS` normal values.

    Args:
        shape: (B, T, C), one curve per batch entry and channel.
        like: Gives dtype and device.
        generator: Source of all chance, on the device of `like`.

    Returns:
        Curves, shape (B, T, C).
    """
    batch, steps, channels = shape
    weights = knot_weights(steps, knots=KNOTS, like=like)
    drawn = torch.randn((batch, KNOTS, channels), generator=generator, dtype=like.dtype, device=like.device)
    return torch.matmul(weights / torch.linalg.vector_norm(weights, dim=1, keepdim=True), drawn)
