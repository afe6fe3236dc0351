"""Features that compete with each other at every step."""

from typing import ClassVar

import torch
from torch import Tensor

from encoders.export import surely
from encoders.halves import GROUP
from encoders.readouts._by_feature import FeatureReadout, number_of
from search_space.registry import register


@register("readout", "hydra", source="Hydra, Dempster et al. 2023, arXiv:2203.13652, section 3")
class HydraReadout(FeatureReadout):
    """Count how often a feature is the largest, weighted by its value, and the smallest, of its group of eight.

    Both as shares of the observed steps; negative sums are zero, and of both the square root is given, as the
    authors' code does in its scaler. Of equal features the first wins; what is left of the features is a smaller group.

    Deliberate difference: counts are divided by the number of steps, so that unequal lengths compare.
    """

    parts: ClassVar[int] = 2
    group: ClassVar[int] = GROUP
    compares: ClassVar[bool] = True

    def summary(self, values: Tensor, counted: Tensor, part: slice = slice(None)) -> Tensor:
        """Return roots of the weighted share as the largest, and of the share as the smallest.

        Args:
            values: (rows, some features, time).
            counted: 1 at steps that count, else 0; (rows, time, 1).
            part: Which features they are; whole groups, but for the last of all.

        Returns:
            (rows, some features, 2).
        """
        rows, n_features, time = values.shape
        whole = n_features // GROUP * GROUP
        pieces = [values[:, :whole].reshape(rows, whole // GROUP, GROUP, time), values[:, None, whole:]]
        counts = [_counts(piece, counted[:, None]).flatten(1, 2) for piece in pieces if piece.shape[1] * piece.shape[2]]
        shares = torch.cat(counts, dim=1) / number_of(counted)
        positive = shares > 0  # the root has no slope at zero
        return torch.where(positive, shares, 1.0).sqrt() * positive


def _counts(values: Tensor, counted: Tensor) -> Tensor:
    """Return sums of (rows, groups, members, time) where a member is its group's largest, and counts as smallest.

    Args:
        values: (rows, groups, members, time).
        counted: (rows, 1, time, 1).

    Returns:
        (rows, groups, members, 2).
    """
    largest, smallest = values.amax(dim=2, keepdim=True), values.amin(dim=2, keepdim=True)
    weighted = _first_equal(values, largest) @ (largest.transpose(2, 3) * counted)
    return torch.cat([weighted, _first_equal(values, smallest) @ counted], dim=-1)


@torch.no_grad()
def _first_equal(values: Tensor, wanted: Tensor) -> Tensor:
    """Return 1 at each group's first member of the wanted value, else 0; (rows, groups, members, time)."""
    equal = torch.eq(values, wanted, out=torch.empty_like(values))  # four times as fast as into truth values
    if surely((equal.sum(dim=2) == 1).all()):
        return equal
    return equal * (equal.cumsum(dim=2) == 1)
