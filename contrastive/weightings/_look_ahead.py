"""Which anchors would help held-out windows: one step ahead of a linear map behind the representations."""

from typing import NamedTuple

import torch
from torch import Tensor

from contrastive.weightings._base import Compare, Origin, Rows

STEP = 0.01
"""Length of the step that is looked ahead; representations move by 1 percent at most."""
HELD_OUT = 4
"""One in so many windows of a batch is held out."""
_FEWEST = 4
"""Windows of which some can be held out."""


class Seen(NamedTuple):
    """The anchors of one call of a loss.

    Attributes:
        losses: Shape (G, A).
        slopes: How fast each loss grows in the direction in which the held-out loss grows, shape (G, A).
        origin: Where the anchors come from, None where nobody knows.
    """

    losses: Tensor
    slopes: Tensor
    origin: Origin | None


def look_ahead(z1: Tensor, z2: Tensor, compare: Compare, *, rows: Rows) -> list[Seen]:
    """Return the anchors of the windows that are not held out, by call; none where there are too few windows.

    With a map (I + M) behind the representations, M = 0, L the mean loss of the held-out
    windows and l_i the loss of an anchor of the others, a slope is <dl_i/dM, dL/dM> / |dL/dM|,
    by central differences: a descent that weights anchor i with w_i changes L in proportion to
    -sum w_i slope_i.

    Args:
        z1: Representations of view 1, detached, shape (R, T, D).
        z2: Of view 2 at the same times, shape (R, T, D).
        compare: The loss of two such views.
        rows: What is known of the rows.
    """
    held = _held_out(rows)
    if not bool(held.any()):
        return []
    with torch.autocast(z1.device.type, enabled=False):
        z1, z2 = z1.float(), z2.float()
        with torch.enable_grad():
            moved = z1.new_zeros(z1.shape[2], z1.shape[2], requires_grad=True)
            loss = compare(z1[held] + z1[held] @ moved, z2[held] + z2[held] @ moved, None)
            (slope,) = torch.autograd.grad(loss, moved)
        length = slope.norm()
        if not bool(length > 0) or not bool(length.isfinite()):
            return []
        move = slope * (STEP / length)
        others, notes = rows.part(~held), []
        for way in (move, -move):
            with torch.no_grad():
                notes.append(Notes(others))
                compare(z1[~held] + z1[~held] @ way, z2[~held] + z2[~held] @ way, notes[-1])
    return [
        Seen((up + down) / 2, (up - down) / (2 * STEP), origin)
        for (up, origin), (down, _) in zip(*(note.calls for note in notes), strict=True)
    ]


def _held_out(rows: Rows) -> Tensor:
    """Return which rows are held out, shape (R,): those of the windows that come last in a batch, which is shuffled."""
    n = len(rows.streams)
    every = torch.arange(n, device=rows.streams.device)
    windows = every if rows.windows is None else rows.windows
    known, window = torch.unique(windows, return_inverse=True)
    first = torch.full_like(known, n).scatter_reduce_(0, window, every, "amin")
    n_held = max(2, len(known) // HELD_OUT) if len(known) >= _FEWEST else 0
    return first.argsort().argsort()[window] >= len(known) - n_held


class Notes:
    """Weights of 1 that note the losses they are asked for."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.calls: list[tuple[Tensor, Origin | None]] = []

    def __call__(self, losses: Tensor, *, counts: Tensor, instances: Tensor | None) -> Tensor:
        if bool(counts.any()):
            known = None if instances is None else Origin(self._rows, instances.expand_as(losses)[:, counts])
            self.calls.append((losses[:, counts], known))
        return counts.to(losses.dtype).expand_as(losses)
