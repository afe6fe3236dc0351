"""Windows that are learned slowly more, noisy ones less."""

import torch
from torch import Tensor

from contrastive.checks import checked
from contrastive.weightings._base import Origin, Weighting, means_by
from contrastive.weightings._order import rank_shares
from search_space.genotype.rules import NOT_NEGATIVE
from search_space.registry import register

_BINS = 10
_FLOOR = 0.1
"""Added to h before it divides, as in the paper."""
_BORDER = 1e-3
"""Share of a bin that is rounding: what lies on a border is below it."""
_MEMORY = 0.9
"""Share of the running mean of a window's rank that stays at its next visit."""


@register(
    "weighting",
    "double_ensemble",
    choices={"trend": (0.5, 1.0, 2.0)},
    source="DoubleEnsemble, Zhang et al. 2020 (ICDM), arXiv:2010.01265 (learning trajectory based sample reweighting)",
)
class DoubleEnsemble(Weighting):
    """Weight a window by 1 / (mean h of its bin + 0.1), where h = h1 + trend * h2 counts against it.

    h1 is its rank by loss, the easiest highest; h2 is its rank by l_end / l_start,
    ranks of its loss lately and at first, so that windows whose loss falls against
    the others' count more than windows that are easy anyway or that nothing is
    learned from. Bins are ten equal parts of the range of h. All anchors of a window
    weigh the same.

    Deliberate differences: there are no sub-models, so one training's own course
    is the trajectory and gamma^k is 1; l_start is the mean rank at the first visit
    and l_end a running mean over visits; ranks are those within the batch, as the losses of
    other windows are of earlier weights. Anchors of unknown origin are a window each
    and have no past.

    Args:
        trend: Weight of h2 beside h1 (the paper's alpha2, its alpha1 being 1), >= 0.

    Raises:
        ValueError: If `trend` is negative.
    """

    first: Tensor
    last: Tensor
    since: Tensor
    calls: Tensor

    def __init__(self, *, trend: float) -> None:
        super().__init__()
        self.trend = checked("double_ensemble.trend", trend, NOT_NEGATIVE)
        for name in ("first", "last"):
            self.register_buffer(name, torch.zeros(0))
        for name in ("since", "calls"):  # iteration of the first visit, -1 before it; calls of that iteration
            self.register_buffer(name, torch.zeros(0, dtype=torch.int32))

    def expect_windows(self, n_windows: int) -> None:
        """Forget all windows and make room for so many."""
        self.first, self.last = (self.first.new_zeros(n_windows) for _ in range(2))
        self.since, self.calls = self.since.new_full((n_windows,), -1), self.calls.new_zeros(n_windows)

    def _weights(self, losses: Tensor, *, iteration: int, origin: Origin | None) -> Tensor:
        if origin is None:
            return self._by_h(losses.flatten(), torch.ones_like(losses.flatten())).view_as(losses)
        rows = origin.rows
        places = torch.arange(len(rows.streams), device=losses.device) if rows.windows is None else rows.windows
        windows, window_of_row = torch.unique(places, return_inverse=True)
        window = window_of_row[origin.instances].flatten()
        level = means_by(window, losses.flatten(), n=len(windows))
        seen = level.isfinite()  # a window may have no anchor here
        change = torch.ones_like(level)
        if rows.windows is not None and len(self.since) and bool(seen.all()):
            change = self._remember(windows, rank_shares(level), iteration=iteration).to(level.dtype)
        return self._by_h(level, change)[window].view_as(losses)

    def _by_h(self, level: Tensor, change: Tensor) -> Tensor:
        """Return the weight of every window from its loss and l_end / l_start, shape (n,) each."""
        h = rank_shares(-level) + self.trend * rank_shares(change)
        width = (h.max() - h.min()) / _BINS
        place = ((h - h.min()) / width - _BORDER).nan_to_num(0.0).ceil().long().clamp(1, _BINS) - 1  # open below
        return 1.0 / (means_by(place, h, n=_BINS)[place] + _FLOOR)

    def _remember(self, windows: Tensor, ranks: Tensor, *, iteration: int) -> Tensor:
        """Note the ranks of some windows and return l_end / l_start of them, shape (n,)."""
        ranks = ranks.to(self.first.dtype)
        self.since[windows] = torch.where(self.since[windows] < 0, iteration, self.since[windows])
        at_first = self.since[windows] == iteration
        self.calls[windows] += at_first.int()
        first = self.first[windows]
        first = torch.where(at_first, first + (ranks - first) / self.calls[windows], first)
        self.first[windows] = first
        self.last[windows] = torch.where(at_first, first, ranks.lerp(self.last[windows], _MEMORY))
        return self.last[windows] / first
