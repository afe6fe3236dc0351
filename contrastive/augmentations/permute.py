"""Segments in another order."""

from dataclasses import replace

import torch

from contrastive.augmentations._base import Augmentation
from contrastive.checks import checked
from contrastive.views import View, observed_span
from search_space.genotype.rules import POSITIVE
from search_space.registry import register


@register(
    "augmentation",
    "permute",
    choices={"segments": (2.0, 3.0, 5.0, 8.0)},
    moves_time=True,
    source="Um et al. 2017, arXiv:1706.00527 (permutation); TS-TCC, Eldele et al. 2021, arXiv:2106.14112, section 3.1",
)
class Permute(Augmentation):
    """Cut every window into random segments and put them together in random order.

    Every step keeps its time, so the view is not in order of time afterwards;
    steps of the two views are still paired by time. Every place between two
    steps is a cut with the same probability; padding at the ends stays where it
    is, because in the middle of a series it would be a gap. Deliberate
    difference: the sources draw a number of segments up to a maximum and then
    as many cuts; independent cuts have a mean instead, which need not be whole.

    Args:
        segments: Expected number of segments, > 0; up to 1 nothing is cut.

    Raises:
        ValueError: If `segments` is not greater than 0.
    """

    def __init__(self, *, segments: float) -> None:
        self.segments = checked("permute.segments", segments, POSITIVE)

    def _apply(self, view: View, *, generator: torch.Generator) -> View:
        batch, steps = view.times.shape
        device = view.values.device
        first, last = observed_span(view.values).chunk(2, dim=1)  # (B, 1) each, in steps of this view
        step = torch.arange(steps, device=device)
        drawn = torch.rand((2, batch, steps), generator=generator, device=device)
        cut = (drawn[0] * (last - first) < self.segments - 1.0) & (step > first) & (step <= last)
        place = drawn[1].gather(1, cut.long().cumsum(dim=1))  # (B, T), alike within a segment
        place = place.masked_fill(step < first, -1.0).masked_fill(step > last, 2.0)
        return replace(view.at(place.argsort(dim=1, stable=True)), ordered=False)
