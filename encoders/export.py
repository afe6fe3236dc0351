"""What an exported graph must not depend on: the values, and the sizes, that it happens to be traced with."""

import torch
from torch import Tensor


def surely(condition: Tensor) -> bool:
    """Return whether a condition holds and may be built on; never while a graph is exported, where no value is known.

    Args:
        condition: A single truth value.
    """
    return not torch.compiler.is_compiling() and bool(condition)


def first_steps(x: Tensor, n: int, *, dim: int) -> Tensor:
    """Return the first `n` of at least as many steps along a dimension.

    While a graph is exported they are looked up by number: whether a slice leaves something out would be decided by
    the size that the graph is traced with.
    """
    if torch.compiler.is_compiling():
        return x.index_select(dim, torch.arange(n, device=x.device))
    return x.narrow(dim, 0, n)
