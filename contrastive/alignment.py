"""Alignment: both views' representations at the same positions of the original window."""

from typing import NamedTuple

import torch
from torch import Tensor

from contrastive.interpolation import fractional_index, take_linear
from contrastive.views import View


def in_time_order(z: Tensor, *, view: View) -> Tensor:
    """Return the representations of a view in order of time; those of an ordered view untouched.

    Args:
        z: Shape (B, S, T, D).
        view: What was encoded, times of shape (B, T).
    """
    if view.ordered:
        return z
    return z.gather(2, view.time_order()[:, None, :, None].expand_as(z))


class CommonSteps(NamedTuple):
    """Fractional indices of the same N positions in both views, each of shape (B, N)."""

    first: Tensor
    second: Tensor

    def take(self, z1: Tensor, z2: Tensor, *, window: Tensor) -> tuple[Tensor, Tensor]:
        """Return both views' representations at the common positions.

        Args:
            z1: Rows of view 1, shape (R, T1, D).
            z2: Rows of view 2, shape (R, T2, D).
            window: Index of the window that each row comes from, shape (R,).

        Returns:
            Two tensors of shape (R, N, D).
        """
        return take_linear(z1, index=self.first[window]), take_linear(z2, index=self.second[window])


def common_steps(times1: Tensor, times2: Tensor, *, observed: Tensor) -> CommonSteps | None:
    """Return where both views show the same observed time, or None if every step matches already.

    The common span of a window runs from the later first to the earlier last step
    of its two views that shows its observed part (so padding is paired with nothing).
    It is read at N evenly spaced positions, N being the mean common span of the
    batch in whole steps, plus one, and never more than a view has steps: the
    batch must be rectangular although the spans differ.

    Args:
        times1: Positions of view 1, in order, shape (B, T1).
        times2: Positions of view 2, in order, shape (B, T2).
        observed: First and last observed position, shape (B, 2).
    """
    everything_observed = bool((observed[:, 0] <= times1[:, 0]).all() and (observed[:, 1] >= times1[:, -1]).all())
    if times1 is times2 and everything_observed:
        return None
    shown1, shown2 = _shown_span(times1, observed=observed), _shown_span(times2, observed=observed)
    start, end = torch.maximum(shown1[0], shown2[0]), torch.minimum(shown1[1], shown2[1])
    end = torch.maximum(start, end)
    n_steps = min(round(float((end - start).mean())) + 1, times1.shape[1], times2.shape[1])
    share = torch.linspace(0.0, 1.0, n_steps, device=start.device) if n_steps > 1 else start.new_full((1,), 0.5)
    positions = start.unsqueeze(1) + (end - start).unsqueeze(1) * share  # (B, N)
    return CommonSteps(
        first=fractional_index(times1, positions=positions), second=fractional_index(times2, positions=positions)
    )


def _shown_span(times: Tensor, *, observed: Tensor) -> tuple[Tensor, Tensor]:
    """Return the times of a view's first and last step inside the observed span, each of shape (B,).

    The ends of the span itself may lie between an observed step and padding,
    where interpolation would mix in what the encoder says about padding. A view
    without any step inside counts as showing all of the span.
    """
    inside = (times >= observed[:, :1]) & (times <= observed[:, 1:])  # (B, T)
    first = times.masked_fill(~inside, torch.inf).amin(dim=1)
    last = times.masked_fill(~inside, -torch.inf).amax(dim=1)
    none = ~inside.any(dim=1)
    return torch.where(none, observed[:, 0], first), torch.where(none, observed[:, 1], last)
