"""A view of a window, where its steps stand in that window, and what two views must share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class View:
    """One augmented version of a batch of windows; NaN means missing.

    Args:
        values: The values, shape (B, T, V).
        times: Position of every step in the original window, in steps, never
            decreasing along time where `ordered`, shape (B, T).
        core: First and last original position that a shortening augmentation
            must keep, so that two views overlap; None asks for nothing,
            shape (B, 2).
        ordered: The steps stand in order of time; False after an augmentation
            that rearranges them.
    """

    values: Tensor
    times: Tensor
    core: Tensor | None = None
    ordered: bool = True

    def at(self, index: Tensor) -> View:
        """Return the steps at whole indices, shape (B, N), with their times."""
        values = self.values.gather(1, index.unsqueeze(-1).expand(-1, -1, self.values.shape[-1]))
        return replace(self, values=values, times=self.times.gather(1, index))

    def time_order(self) -> Tensor:
        """Return the indices of the steps in order of time, equal times as they stand, shape (B, T)."""
        return self.times.argsort(dim=1, stable=True)

    def times_in_order(self) -> Tensor:
        """Return the times in order; those of an ordered view are its own, shape (B, T)."""
        return self.times if self.ordered else self.times.gather(1, self.time_order())


def whole_window(x: Tensor, *, core: Tensor | None = None) -> View:
    """Return the view that is the window itself.

    Args:
        x: Windows, shape (B, T, V).
        core: See `View`, shape (B, 2).
    """
    batch, steps, _ = x.shape
    times = torch.arange(steps, device=x.device, dtype=torch.float32)
    return View(values=x, times=times.expand(batch, steps), core=core)


def observed_span(x: Tensor) -> Tensor:
    """Return the first and the last step at which any variate is observed.

    A window without any observation counts as observed throughout.

    Args:
        x: Windows, shape (B, T, V).

    Returns:
        Positions in steps, shape (B, 2).
    """
    steps = x.shape[1]
    observed = ~torch.isnan(x).all(dim=-1)  # (B, T)
    observed = observed | ~observed.any(dim=1, keepdim=True)
    first = observed.int().argmax(dim=1)
    last = steps - 1 - observed.flip(1).int().argmax(dim=1)
    return torch.stack([first, last], dim=1).to(torch.float32)


def draw_core(span: Tensor, *, steps: int, generator: torch.Generator) -> Tensor:
    """Draw the stretch of time that both views of a window must show.

    Its length is drawn once per batch, uniformly from max(2, T // 8) to T steps
    (TS2Vec's overlap has one length per batch too), its place once per window.
    A window whose observed span is shorter keeps all of that span.

    Args:
        span: First and last observed position, shape (B, 2).
        steps: Length T of the windows.
        generator: Source of all chance, on the device of `span`.

    Returns:
        First and last position, whole steps, shape (B, 2).
    """
    shortest = min(max(2, steps // 8), steps)
    drawn = torch.rand(len(span) + 1, generator=generator, device=span.device)
    extent = shortest - 1 + torch.floor(drawn[0] * (steps - shortest + 1))
    room = span[:, 1] - span[:, 0]
    extent = torch.minimum(extent, room)  # (B,)
    start = span[:, 0] + torch.floor(drawn[1:] * (room - extent + 1.0)).minimum(room - extent)
    return torch.stack([start, start + extent], dim=1)
