"""How features are halved between a bank of two kinds of kernels and the readout that summarises each kind its way."""

GROUP = 8
"""Features that compete with each other."""


def first_half(features: int) -> int:
    """Return how many features the first half has: rounded up so that the second consists of whole groups.

    Fewer than two groups are all in the first half.
    """
    return features - features // (2 * GROUP) * GROUP
