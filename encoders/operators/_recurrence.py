"""What recurrent operators share: the layout with steps first, and room for what a step leaves for the way back.

Torch would record some ten functions a step, whose bookkeeping takes longer than
their arithmetic. So the operators write their gradients out: nothing is recorded,
and on the way back whatever does not wait for the next step's gradient is
computed for many steps at once.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

_IN_CACHE = 2**15
"""Numbers of a value whose steps are worked on together."""


def steps_first(x: Tensor) -> Tensor:
    """Return (batch, streams, time, hidden) as contiguous (time, batch * streams, hidden)."""
    return x.flatten(0, 1).transpose(0, 1).contiguous()


def streams_first(states: Tensor, *, like: Tensor) -> Tensor:
    """Undo `steps_first`: (time, batch * streams, hidden) in the shape of `like`."""
    return states.transpose(0, 1).reshape(like.shape)


def in_full_precision(x: Tensor) -> contextlib.AbstractContextManager[None]:
    """Return a block without autocast: a state that is rounded at every step drifts."""
    return torch.autocast(x.device.type, enabled=False)


def soft_sign(u: Tensor) -> Tensor:
    """Return tanh(u) as 2 sigmoid(2u) - 1; on CPU the sigmoid is several times faster than tanh."""
    return 2.0 * torch.sigmoid(2.0 * u) - 1.0


def will_go_back() -> bool:
    """Return whether a gradient may be asked for; torch tells a `forward` so of trained weights even where not."""
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


def recur(run: type[torch.autograd.Function], *values: Tensor) -> Tensor:
    """Return what a recurrence makes of its arguments, which keeps nothing where no gradient will be asked for.

    Args:
        run: Its `forward` keeps what `backward` needs if an argument wants a gradient.
        values: Arguments of `run.apply`.
    """
    if not will_go_back():
        values = tuple(value.detach() for value in values)
    states: Tensor = run.apply(*values)  # type: ignore[no-untyped-call]
    return states


def open_gates(read: Tensor, *, hidden: int) -> None:
    """Turn what gates read, (rows, width), into the gates in place: sigmoids, and tanh for the last `hidden`."""
    candidate = read[:, -hidden:]
    candidate.mul_(2.0)
    read.sigmoid_()
    candidate.mul_(2.0).sub_(1.0)


def squash(twice: Tensor) -> Tensor:
    """Turn 2u into tanh(u) in place, as `soft_sign` does."""
    return twice.sigmoid_().mul_(2.0).sub_(1.0)


def room_for_steps(time: int, *shape: int, like: Tensor, keep: bool) -> tuple[Tensor, Sequence[Tensor]]:
    """Return room for a value of every step, and the steps' parts of it: one for all where nothing is kept.

    Args:
        time: Number of steps.
        shape: Of one step's value.
        like: Gives device and dtype.
        keep: Whether the values of all steps will be needed.

    Returns:
        Not filled: (time or 1, *shape), and `time` tensors of that shape which lie in it.
    """
    room = like.new_empty(time if keep else 1, *shape)
    parts = room.unbind(0)
    return room, parts if keep else parts * time


def steps_in_cache(time: int, size: int) -> Iterator[slice]:
    """Return stretches of steps, the last first, whose values of this size stay in the cache together."""
    at_a_time = max(1, _IN_CACHE // max(1, size))
    for end in range(time, 0, -at_a_time):
        yield slice(max(0, end - at_a_time), end)


def start_uniform(module: nn.Module, *, hidden: int) -> None:
    """Draw all weights uniformly within 1 / sqrt(hidden), as torch starts its recurrent layers."""
    bound = 1.0 / math.sqrt(hidden)
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -bound, bound)
