"""Values in order, where values that differ by rounding only share their place."""

from typing import NamedTuple

import torch
from torch import Tensor

from contrastive.weightings._base import ROUNDING, means_by


class Ordered(NamedTuple):
    """Values from the smallest to the largest.

    Attributes:
        values: Shape (n,).
        order: Where each of them stood, shape (n,).
        run: Number of the run of equal values that each is in, shape (n,).
    """

    values: Tensor
    order: Tensor
    run: Tensor

    def put_back(self, of_ordered: Tensor) -> Tensor:
        """Return values given in order, shape (n,), where they stood, with the mean of its run for each."""
        found = torch.empty_like(of_ordered)
        found[self.order] = means_by(self.run, of_ordered, n=len(self.run))[self.run]
        return found


def ordered(values: Tensor) -> Ordered:
    """Return values in order; those that differ from the next by less than `ROUNDING` are one run, shape (n,)."""
    inside, order = values.sort(stable=True)
    steps = inside.diff(prepend=inside[:1]) > ROUNDING
    return Ordered(inside, order, steps.cumsum(0))


def rank_shares(values: Tensor) -> Tensor:
    """Return the rank of each value over their number, in (0, 1], equal ones sharing the mean of theirs; shape (n,)."""
    n = len(values)
    return ordered(values).put_back(torch.arange(1, n + 1, dtype=values.dtype, device=values.device) / n)
