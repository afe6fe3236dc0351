"""Linear maps over time and over streams that do not ask for the number of steps or streams."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.linear import Linear

REACH = 63
"""Steps that a filter over time sees to either side."""


class TimeFilter(nn.Module):
    """A linear map over time whose weights belong to lags, the same for all features and streams.

    It is a mixer's matrix over time with equal weights along each diagonal:
    any number of steps works, and up to 64 steps every step sees every other.
    Steps outside the window count as zero. Blocks of 64 steps are multiplied
    by the matrices from their own block and from its two neighbours; that is
    faster than a convolution, and no matrix grows with the window.
    """

    def __init__(self) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(REACH + 1)
        self.weight = nn.Parameter(torch.empty(2 * REACH + 1).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(1).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Return y_t = bias + sum over lags of weight[lag + 63] x_(t - lag), |lag| <= 63; (..., time, hidden)."""
        if torch.compiler.is_compiling():  # a graph is for all lengths
            alone = x.transpose(-1, -2).flatten(0, -2)[:, None]  # (rows, 1, time)
            mixed = F.conv1d(alone, self.weight.flip(0)[None, None], self.bias, padding=REACH)
            return mixed.view(*x.shape[:-2], x.shape[-1], -1).transpose(-1, -2)
        time = x.shape[-2]
        size = min(time, REACH + 1)
        blocks = -(-time // size)
        fill = blocks * size - time
        filled = F.pad(x, (0, 0, 0, fill)) if fill else x
        cut = filled.reshape(*x.shape[:-2], blocks, size, x.shape[-1])
        steps = torch.arange(size, device=x.device)
        lags = steps[:, None] - steps + REACH  # (step written, step read)
        mixed = self.weight[lags] @ cut  # (..., blocks, size, hidden)
        if blocks > 1:
            beyond = F.pad(self.weight, (1, 1))  # a lag of 64 steps has no weight
            before = beyond[(lags + size + 1).clamp(max=2 * REACH + 2)] @ cut[..., :-1, :, :]
            after = beyond[(lags - size + 1).clamp(min=0)] @ cut[..., 1:, :, :]
            nothing = (0, 0, 0, 0)
            mixed = mixed + F.pad(before, (*nothing, 1, 0)) + F.pad(after, (*nothing, 0, 1))
        return mixed.flatten(-3, -2)[..., :time, :] + self.bias


class StreamMixing(nn.Module):
    """A two-layer network on every step of a stream, which also reads the mean over the window's streams.

    The mean stands for the other variates whatever their number and order; a
    single stream is its own mean.

    Args:
        hidden: Width of the latent.
        width: Width between the two layers.
        dropout: Probability of zeroing a value between the two layers.
    """

    def __init__(self, hidden: int, width: int, *, dropout: float) -> None:
        super().__init__()
        self.own = Linear(hidden, width)
        self.shared = Linear(hidden, width, bias=False)
        self.output = Linear(width, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Mix (batch, streams, time, hidden)."""
        inner = F.gelu(self.own(x) + self.shared(x.mean(dim=1, keepdim=True)))
        return self.output(self.dropout(inner))  # type: ignore[no-any-return]
