"""Checks of the parameters that options are built with."""

from __future__ import annotations

import math


def at_least_zero(where: str, value: float) -> float:
    """Return `value`.

    Raises:
        ValueError: If it is negative or not finite.
    """
    if not (math.isfinite(value) and value >= 0.0):
        raise ValueError(f"{where}: must be a finite number of at least 0, got {value!r}")
    return float(value)


def above_zero(where: str, value: float) -> float:
    """Return `value`.

    Raises:
        ValueError: If it is not a finite number greater than 0.
    """
    if not (math.isfinite(value) and value > 0.0):
        raise ValueError(f"{where}: must be a finite number greater than 0, got {value!r}")
    return float(value)


def share(where: str, value: float) -> float:
    """Return `value`.

    Raises:
        ValueError: If it lies outside [0, 1): the whole cannot be removed.
    """
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{where}: must lie in [0, 1), got {value!r}")
    return float(value)
