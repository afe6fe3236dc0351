"""What an exported graph must not depend on: the values that it happens to be traced with."""

import torch
from torch import Tensor


def surely(condition: Tensor) -> bool:
    """Return whether a condition holds and may be built on; never while a graph is exported, where no value is known.

    Args:
        condition: A single truth value.
    """
    return not torch.compiler.is_compiling() and bool(condition)
