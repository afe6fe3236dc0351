"""The check of the parameters that options are built with."""

from search_space.genotype.rules import Range

SHARE = Range(0.0, 1.0, open_high=True)
"""A part that is removed: the whole cannot be."""


def checked(where: str, value: float, legal: Range) -> float:
    """Return `value`.

    Raises:
        ValueError: If it is not legal.
    """
    if not legal.holds(value):
        raise ValueError(f"{where}: must be {legal}, got {value!r}")
    return float(value)
