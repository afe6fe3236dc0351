"""What recurrent operators share: the layout with steps first, full precision, and an LSTM's step behind its gates."""

import contextlib
import math

import torch
from torch import Tensor, nn


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
    """Return tanh(u) as 2 sigmoid(2u) - 1; on CPU the sigmoid of many values is several times faster than tanh."""
    return 2.0 * torch.sigmoid(2.0 * u) - 1.0


def lstm_step(read: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """Return the state and the memory after a step of an LSTM, (rows, hidden) each.

    Args:
        read: What input, forget and output gate and the candidate read; (rows, 4 * hidden).
        memory: Before the step; (rows, hidden).
    """
    hidden = memory.shape[1]
    gates, candidate = torch.split(read, [3 * hidden, hidden], dim=1)
    let_in, keep, let_out = torch.sigmoid(gates).chunk(3, dim=1)
    memory = keep * memory + let_in * torch.tanh(candidate)
    return let_out * torch.tanh(memory), memory


def start_uniform(module: nn.Module, *, hidden: int) -> None:
    """Draw all weights uniformly within 1 / sqrt(hidden), as torch starts its recurrent layers."""
    bound = 1.0 / math.sqrt(hidden)
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -bound, bound)
