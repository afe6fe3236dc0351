"""A complex linear map on the low frequencies of a window."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from encoders.operators._operator import Operator
from search_space.registry import register

LOW_FREQUENCIES = 32


@register(
    "operator",
    "frequency_linear",
    source="FITS, Xu et al. 2024, arXiv:2307.03756, low-pass filter and complex linear layer",
)
class FrequencyLinear(Operator):
    """Mix the 32 lowest frequencies by a complex matrix, shared by features and streams, and drop the others.

    Frequencies are counted in cycles per window, 0 to 31, of the observed
    span. A window of n steps has n // 2 + 1 of them; where these are fewer
    than 32, it uses that corner of the matrix, so any length works.

    Deliberate differences: FITS maps a window to a longer one, ours keeps its
    length; the limit is 32 frequencies instead of a harmonic of the series'
    period; no bias (its shape would be the same wave in every window), and no
    normalisation here, because the encoder has its own.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        bound = 1.0 / math.sqrt(LOW_FREQUENCIES)
        square = (LOW_FREQUENCIES, LOW_FREQUENCIES)  # (frequency out, frequency in)
        self.real = nn.Parameter(torch.empty(square).uniform_(-bound, bound))
        self.imaginary = nn.Parameter(torch.empty(square).uniform_(-bound, bound))

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Map the low frequencies; (batch, streams, time, hidden)."""
        time = x.shape[2]
        if span is None:
            span = torch.ones(1, time, dtype=torch.bool, device=x.device)
        # a graph is for all lengths: it has them all, of which short windows leave some at zero
        low = LOW_FREQUENCIES if torch.compiler.is_compiling() else min(LOW_FREQUENCIES, time // 2 + 1)
        waves = low_waves(span, low, like=x)
        real, imaginary = self.real[:low, :low], self.imaginary[:low, :low]
        mix = torch.cat([torch.cat([real, -imaginary], dim=1), torch.cat([imaginary, real], dim=1)])
        synthesis = waves.inverse.transpose(1, 2) @ mix  # (windows or 1, time, 2 low)
        if span.shape[0] == 1:
            return synthesis[0] @ (waves.forward[0] @ x)
        return synthesis.unsqueeze(1) @ (waves.forward.unsqueeze(1) @ x)


class LowWaves(NamedTuple):
    """The transform to low frequencies and back; both (windows, real parts then imaginary parts, time)."""

    forward: Tensor
    inverse: Tensor


def low_waves(span: Tensor, low: int, *, like: Tensor) -> LowWaves:
    """Return the Fourier transform of each window's own span, cut to its lowest frequencies, as real matrices.

    Scaled by 1 / sqrt(n) in both directions (torch's `norm="ortho"`). Matrices
    of 2 * low rows cost about what a transform does, and they take windows of
    different lengths side by side.

    Args:
        span: True at the steps of a window, one stretch; (windows, time).
        low: Number of frequencies, 1 to time // 2 + 1; those that a window does not have get zeros.
        like: Gives device and dtype.

    Returns:
        Zeros outside the span; `inverse` is to be transposed.
    """
    lengths = span.sum(dim=1).clamp(min=1)[:, None, None]
    steps = (span.cumsum(dim=1) - 1).unsqueeze(1)  # counted from the first observed one
    frequencies = torch.arange(low, device=span.device)[:, None]
    # Whole turns are taken away while the numbers are integers: no rounding in long windows.
    angles = (frequencies * steps) % lengths * (2.0 * math.pi / lengths.double())  # (windows, low, time)
    known = span.unsqueeze(1) & (2 * frequencies <= lengths)
    scale = known / lengths.double().sqrt()
    forward = torch.cat([angles.cos() * scale, -angles.sin() * scale], dim=1)
    # Frequencies strictly between 0 and n / 2 stand for their negative twins, too.
    twins = 1.0 + ((frequencies > 0) & (2 * frequencies < lengths))
    inverse = forward * torch.cat([twins, twins], dim=1)
    return LowWaves(forward.to(like.dtype), inverse.to(like.dtype))
