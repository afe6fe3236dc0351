"""Strides: which steps of a sequence are computed.

A stride of n keeps every n-th step, counted back from the last; 1 keeps all of
them and 0 the last alone. So `math.gcd` of two strides keeps what either keeps.
"""

from torch import Tensor


def thin(x: Tensor, *, have: int, want: int) -> Tensor:
    """Keep fewer steps.

    Args:
        x: The steps of stride `have`; (batch, streams, time, hidden).
        have: Stride of what is given.
        want: Stride of what is kept, a multiple of `have`.

    Returns:
        A view; (batch, streams, fewer steps, hidden).
    """
    if have == want:
        return x
    apart = apart_by(have=have, want=want, length=x.shape[2])
    return x[:, :, (x.shape[2] - 1) % apart :: apart]


def apart_by(*, have: int, want: int, length: int) -> int:
    """Return how many of `length` given steps lie from one wanted step to the next."""
    return want // have if want else length
