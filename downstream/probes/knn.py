"""Nearest neighbours: distances to a reference set."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from compute.memory import at_a_time

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]

MOST_PAIRS = 2**24
"""Distances held at a time, 64 MiB."""
_FEWEST_FOR_PRODUCTS = 25
_PAIR_BYTES = 12  # a distance, what the selection of the nearest works on, and whether the pair counts


def nearest(
    x: Floats, reference: Floats, *, k: int = 1, excluded: NDArray[np.bool_] | None = None, block: int = 4096
) -> tuple[Floats, Integers]:
    """Return Euclidean distances to the k nearest reference rows, ascending, and their indices.

    Args:
        x: Rows, (n, d).
        reference: Rows to search, (m, d).
        k: Neighbours, 1..m.
        excluded: Pairs that do not count, (n, m).
        block: Rows per step at most; fewer with many reference rows, or under a memory budget.

    Returns:
        Distances (infinite where too few pairs count) and indices, (n, k) each.

    Raises:
        ValueError: If `k` is not in 1..m.
    """
    if not 1 <= k <= len(reference):
        raise ValueError(f"nearest: k must be in 1..{len(reference)} (the reference rows), got {k}")
    base = torch.as_tensor(np.asarray(reference), dtype=torch.float32)
    most = max(1, min(block, MOST_PAIRS // len(reference)))
    block = at_a_time(most, "row", bytes_each=_PAIR_BYTES * len(reference))
    distances_to = _distances_to(base)
    distances, indices = [], []
    for first in range(0, len(x), block):
        rows = torch.as_tensor(np.asarray(x[first : first + block]), dtype=torch.float32)
        pairwise = distances_to(rows)
        if excluded is not None:
            pairwise.masked_fill_(torch.as_tensor(excluded[first : first + block]), torch.inf)
        closest = pairwise.topk(k, dim=1, largest=False)
        distances.append(closest.values.numpy())
        indices.append(closest.indices.numpy())
    if not distances:
        return np.zeros((0, k), dtype=np.float32), np.zeros((0, k), dtype=np.int64)
    return np.concatenate(distances), np.concatenate(indices)


def _distances_to(base: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what gives the distances of rows (n, d) to the rows of `base` (m, d), shape (n, m).

    As `torch.cdist` computes them, but for its copy of `base`, which is made once here and not for every block.
    """
    if len(base) <= _FEWEST_FOR_PRODUCTS:
        return lambda rows: torch.cdist(rows, base)
    squares = base.square().sum(dim=1, keepdim=True)
    right = torch.cat([base, torch.ones_like(squares), squares], dim=1).T

    def distances(rows: torch.Tensor) -> torch.Tensor:
        own = rows.square().sum(dim=1, keepdim=True)
        left = torch.cat([-2.0 * rows, own, torch.ones_like(own)], dim=1)
        return (left @ right).clamp_min_(0.0).sqrt_()

    return distances
