"""A net that learns from a loss, its past, the course of the training and the kind of window."""

import torch
from torch import Tensor
from torch.nn import functional

from contrastive.checks import checked
from contrastive.weightings._base import ROUNDING, Origin, Rows, standardised
from contrastive.weightings._meta_net import MetaNetWeighting
from search_space.genotype.rules import POSITIVE
from search_space.registry import register

_PERCENTILE = 0.75
_MEMORY = 0.95
_CALLS = 64
"""Calls of an iteration with a running percentile of their own; a strategy makes some thirty at most."""
_PLANES = 3
_CLUSTERS = 2**_PLANES


@register(
    "weighting",
    "mentor_net",
    choices={"rate": (0.03, 0.1, 0.3), "course": (200.0, 1000.0)},
    source="MentorNet, Jiang et al. 2018, arXiv:1712.05055 (its inputs); trained as Meta-Weight-Net, "
    "Shu et al. 2019, arXiv:1902.07379; clusters by random planes: Charikar 2002 (STOC)",
)
class MentorNet(MetaNetWeighting):
    """Weight an anchor by a net of its loss, how far that is above a running percentile, the time and its cluster.

    The percentile is the 75th, its running mean keeps 0.95 of itself, one for each pair kind
    and level. Deliberate differences: instead of a label there is a cluster of windows, the
    side of three random planes through the batch's mean that a window's mean representation
    lies on (anchors of unknown origin have none); the time is the share of `course`, as a
    trial may go on beyond its iterations; there is no recurrence over past losses; the net
    learns as `meta_weight_net` does instead of from a predefined curriculum.

    Args:
        rate: Learning rate of the net, > 0.
        course: Iterations until the time stands still, > 0.

    Raises:
        ValueError: If a parameter is not greater than 0.
    """

    percentile: Tensor

    def __init__(self, *, rate: float, course: float) -> None:
        super().__init__(n_inputs=3 + _CLUSTERS, rate=rate)
        self.course = checked("mentor_net.course", course, POSITIVE)
        self.register_buffer("percentile", torch.full((_CALLS,), torch.nan))
        self._call = (-1, 0)  # iteration, calls so far

    def _weights(self, losses: Tensor, *, iteration: int, origin: Origin | None) -> Tensor:
        call = self._call[1] if self._call[0] == iteration else 0
        self._call = (iteration, call + 1)
        weights = self._said(self._inputs(losses, iteration=iteration, call=call, origin=origin))
        now, kept = _percentile(losses), self.percentile[call % _CALLS]
        if bool(now.isfinite()):
            later = torch.where(kept.isfinite(), kept + (1.0 - _MEMORY) * (now - kept), now)
            self.percentile[call % _CALLS] = later
        return weights

    def _inputs(self, losses: Tensor, *, iteration: int, call: int, origin: Origin | None) -> Tensor:
        kept, now = self.percentile[call % _CALLS], _percentile(losses)
        above = losses - torch.where(kept.isfinite(), kept, now)
        above = (above * (losses.var(correction=0) + ROUNDING**2).rsqrt()).clamp(-10.0, 10.0)
        time = torch.full_like(losses, min(1.0, iteration / self.course))
        numbers = torch.stack([standardised(losses), above, time], dim=-1)
        if origin is None:
            return functional.pad(numbers, (0, _CLUSTERS))
        cluster = _clusters(origin.rows)[origin.instances]  # (G, A)
        return torch.cat([numbers, functional.one_hot(cluster, _CLUSTERS).to(numbers.dtype)], dim=-1)


def _percentile(losses: Tensor) -> Tensor:
    values = losses.flatten()
    return values.kthvalue(max(1, round(_PERCENTILE * len(values)))).values


def _clusters(rows: Rows) -> Tensor:
    """Return the cluster of every row, shape (R,); the planes are the same at every call."""
    means = rows.z.float().mean(dim=1)  # (R, D)
    generator = torch.Generator().manual_seed(0)
    planes = torch.randn(means.shape[1], _PLANES, generator=generator).to(means.device)
    sides = (means - means.mean(dim=0)) @ planes > 0
    return (sides * torch.tensor([2**at for at in range(_PLANES)], device=means.device)).sum(dim=1)
