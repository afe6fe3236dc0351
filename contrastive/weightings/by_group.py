"""Groups of anchors that lose more, more."""

import torch
from torch import Tensor

from contrastive.checks import checked
from contrastive.weightings._base import Origin, Rows, Weighting, means_by, standardised
from search_space.genotype.rules import POSITIVE, Range
from search_space.registry import register

_AT_LEAST_ONE = Range(1.0)


@register(
    "weighting",
    "by_group",
    choices={"tilt": (0.25, 0.5, 1.0), "stretches": (1.0, 4.0, 16.0)},
    source="Group DRO, Sagawa et al. 2020, arXiv:1911.08731 (algorithm 1: groups weighted by e^(eta * loss)); "
    "standardised and without memory as in Li et al. 2021, arXiv:2007.01162",
)
class ByGroup(Weighting):
    """Weight an anchor by e^(tilt * standardised mean loss of its group).

    A group is a stream (a variate, where channels are independent) in a stretch of
    the training windows, whose order is that of series and of time. Deliberate
    differences from Group DRO: the groups are no attributes that somebody has
    labelled, and their losses are those of the batch, standardised over its
    groups. Anchors of unknown origin are a group each.

    Args:
        tilt: Logarithm of how much more an anchor counts whose group loses one
            standard deviation more, > 0.
        stretches: Equal parts that the training windows are cut into, >= 1.

    Raises:
        ValueError: If a parameter is out of its range.
    """

    def __init__(self, *, tilt: float, stretches: float) -> None:
        super().__init__()
        self.tilt = checked("by_group.tilt", tilt, POSITIVE)
        self.stretches = checked("by_group.stretches", stretches, _AT_LEAST_ONE)

    def _weights(self, losses: Tensor, *, iteration: int, origin: Origin | None) -> Tensor:
        if origin is None:
            standard = standardised(losses)
            return (self.tilt * (standard - standard.max())).exp()
        group = self._group(origin.rows)[origin.instances].flatten()
        _, group = torch.unique(group, return_inverse=True)
        standard = standardised(means_by(group, losses.flatten(), n=int(group.max()) + 1))
        return (self.tilt * (standard - standard.max())).exp()[group].view_as(losses)

    def _group(self, rows: Rows) -> Tensor:
        """Return a number for the group of every row, shape (R,)."""
        if rows.windows is None or not rows.n_windows:
            return rows.streams
        stretch = (rows.windows * self.stretches / rows.n_windows).long()
        return stretch * (rows.streams.max() + 1) + rows.streams
