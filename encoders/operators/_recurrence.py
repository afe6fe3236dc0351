"""What recurrent operators share: the layout with steps first and the gates of an LSTM."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def steps_first(x: Tensor) -> Tensor:
    """Return (batch, streams, time, hidden) as contiguous (time, batch * streams, hidden)."""
    return x.flatten(0, 1).transpose(0, 1).contiguous()


def streams_first(states: Tensor, *, like: Tensor) -> Tensor:
    """Undo `steps_first`: (time, batch * streams, hidden) in the shape of `like`."""
    return states.transpose(0, 1).reshape(like.shape)


def soft_sign(u: Tensor) -> Tensor:
    """Return tanh(u) as 2 sigmoid(2u) - 1; on CPU the sigmoid is several times faster than tanh."""
    return 2.0 * torch.sigmoid(2.0 * u) - 1.0


def lstm_gates(gates: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """Update the memory of an LSTM from what its gates read.

    Args:
        gates: Before the nonlinearity: input, forget and output gate, then the
            candidate; (rows, 4 * hidden).
        memory: (rows, hidden).

    Returns:
        State and memory of the step; (rows, hidden) each.
    """
    hidden = memory.shape[1]
    opened, candidate = torch.split(gates, [3 * hidden, hidden], dim=1)
    let_in, keep, let_out = torch.sigmoid(opened).chunk(3, dim=1)
    memory = torch.addcmul(keep * memory, let_in, soft_sign(candidate))
    return let_out * soft_sign(memory), memory


def start_uniform(module: nn.Module, *, hidden: int) -> None:
    """Draw all weights uniformly within 1 / sqrt(hidden), as torch starts its recurrent layers."""
    bound = 1.0 / math.sqrt(hidden)
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -bound, bound)
