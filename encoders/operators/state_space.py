"""A diagonal linear state space per feature."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._causal_filter import causal_filter
from encoders.operators._operator import Operator
from search_space.registry import register

MODES = 16
"""Complex states per feature; each stands for itself and its conjugate."""
_FASTEST, _SLOWEST = 0.1, 0.001


@register(
    "operator",
    "state_space",
    causal=True,
    source="S4D, Gu et al. 2022, arXiv:2206.11893 (S4D-Lin, zero-order hold)",
)
class StateSpace(Operator):
    """Run s_t = A s_(t-1) + B x_t, y_t = 2 Re(C s_t) + D x_t for each feature, mix the features, and add the latent.

    A is diagonal, so the recurrence is a convolution with 2 Re(sum of C B A^lag),
    which is applied through the Fourier transform. A = exp(step * a) and B =
    (A - 1) / a hold the input within a step; a starts at -1/2 + j pi n, the
    steps between 0.001 and 0.1. GELU and a gated linear unit follow, as in S4.

    Deliberate differences: no normalisation around the block; 16 pairs of
    states per feature instead of 32.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        spread = torch.rand(hidden, 1) * math.log(_FASTEST / _SLOWEST)
        self.log_step = nn.Parameter(math.log(_SLOWEST) + spread)
        self.log_decay = nn.Parameter(torch.full((hidden, MODES), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(MODES, dtype=torch.float32).repeat(hidden, 1))
        self.read_out = nn.Parameter(torch.randn(hidden, MODES, 2) * math.sqrt(0.5))  # C: real, imaginary
        self.direct = nn.Parameter(torch.randn(hidden))  # D
        self.mix = Linear(hidden, 2 * hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run along time; (batch, streams, time, hidden)."""
        y = causal_filter(x, self.impulse_response(x.shape[2])) + self.direct * x
        result: Tensor = x + F.glu(self.mix(self.dropout(F.gelu(y))), dim=-1)
        return result

    def discretized(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return log A, B and C of the recurrence; complex (hidden, modes) each."""
        rate = torch.complex(-self.log_decay.exp(), self.frequency)
        log_transition = rate * self.log_step.exp()
        drive = (log_transition.exp() - 1.0) / rate
        return log_transition, drive, torch.view_as_complex(self.read_out)

    def impulse_response(self, lags: int) -> Tensor:
        """Return 2 Re(sum of C B A^lag) for the lags 0 .. lags - 1; (lags, hidden)."""
        places = torch.arange(lags, device=self.direct.device)
        if torch.compiler.is_compiling():
            return self._response_in_graph(places)
        log_transition, drive, read_out = self.discretized()
        powers = (places[:, None, None] * log_transition).exp()  # (lags, hidden, modes)
        return 2.0 * torch.view_as_real((powers * (read_out * drive)).sum(dim=-1))[..., 0]

    def _response_in_graph(self, places: Tensor) -> Tensor:
        """Do what `impulse_response` does without complex numbers, which ONNX does not have; (lags, hidden)."""
        decay, step = self.log_decay.exp(), self.log_step.exp()
        size, angle = (-decay * step).exp(), self.frequency * step
        grown, turned = size * angle.cos() - 1.0, size * angle.sin()  # A - 1
        over = decay.square() + self.frequency.square()
        drive, drive_turned = (
            (turned * self.frequency - grown * decay) / over,  # B = (A - 1) / (-decay + j frequency)
            -(grown * self.frequency + turned * decay) / over,
        )
        read, read_turned = self.read_out.unbind(-1)
        weight = read * drive - read_turned * drive_turned  # C B
        weight_turned = read * drive_turned + read_turned * drive
        lags = places[:, None, None]
        sizes, angles = (lags * (-decay * step)).exp(), lags * angle  # (lags, hidden, modes)
        return 2.0 * (sizes * (weight * angles.cos() - weight_turned * angles.sin())).sum(dim=-1)
