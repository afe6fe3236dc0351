"""Vectors of length one, safe at the zero vector."""

from torch import Tensor

EPSILON = 1e-12


def unit_vectors(z: Tensor) -> Tensor:
    """Return z / sqrt(|z|^2 + 1e-12) along the last axis.

    The constant inside the root keeps value and gradient finite at z = 0, where
    the norm itself has no gradient; the zero vector stays zero.

    Args:
        z: Shape (..., features).
    """
    return z * (z.square().sum(dim=-1, keepdim=True) + EPSILON).rsqrt()
