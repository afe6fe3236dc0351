"""Maxima of the whole, its halves and its quarters."""

import torch
from torch import Tensor

from encoders.readouts._readout import Readout, max_over
from search_space.registry import register

SEGMENTS = (1, 2, 4)


@register("readout", "multiscale", source="spatial pyramid pooling, He et al. 2014, arXiv:1406.4729, over time")
class MultiscaleReadout(Readout):
    """Concatenate the maxima of dyadic segments, coarse to fine, early to late.

    Of n observed steps, numbered from 0, segment k of m holds those from
    floor(k n / m) up to, but not including, max(floor((k + 1) n / m), floor(k n / m) + 1);
    every segment has a step even when n < m.
    """

    parts = sum(SEGMENTS)

    def forward(self, z: Tensor, observed: Tensor) -> Tensor:
        """Return seven maxima; (batch, streams, 7 * features)."""
        number = observed.cumsum(dim=1) - 1  # (batch, time)
        n = observed.sum(dim=1, keepdim=True)  # (batch, 1)
        summaries = []
        for m in SEGMENTS:
            for k in range(m):
                start = k * n // m
                stop = torch.maximum((k + 1) * n // m, start + 1)
                summaries.append(max_over(z, observed & (number >= start) & (number < stop)))
        return torch.cat(summaries, dim=-1)
