"""WITRAN whose rows and columns also keep a memory per frequency."""

import math

import torch
from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._grid_recurrence import Gated, GridRecurrence
from encoders.operators._recurrence import in_full_precision
from encoders.operators.state_frequency_memory import FREQUENCIES
from search_space.registry import register


@register(
    "operator",
    "witran_frequency",
    causal=True,
    source="WITRAN, Jia et al. 2023, NeurIPS 36, with the memory of SFM, Hu and Qi 2017, PMLR 70",
)
class WitranFrequency(GridRecurrence):
    """Let each direction of `witran` keep the trend in its state and waves in a memory of states times frequencies.

    With gates u (update), o (output) and g (one factor per frequency) and
    candidate c, the complex memory is S <- (1 - u) g S + u tanh(c) e^(j w t) and
    the state tanh((1 - u) state + u tanh(c) + sum over frequencies of v |S|^2) * o.
    Where v is zero it is `witran`. In a row t counts steps, so its memory hears
    waves within 16 steps; in a column t counts rows, so it hears what comes
    again every few rows. Both count from 1.

    Deliberate differences from SFM: the factor of the forget gate that is one per
    state is WITRAN's own 1 - u; the memory is added to the state instead of taking
    its place; four frequencies on half the circle, as in `state_frequency_memory`.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.frequency_weight = nn.Parameter(torch.full((2, FREQUENCIES), 1.0 / FREQUENCIES))  # row, column

    def _map(self) -> nn.Module:
        return Linear(3 * self.hidden, 6 * self.hidden + 2 * FREQUENCIES)

    def _start(self) -> None:
        super()._start()
        with torch.no_grad():  # the factors of the forget gate start open
            dict(self.gates.named_parameters())["bias"][6 * self.hidden :] = 1.0

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run over the grid; (batch, streams, time, hidden)."""
        with in_full_precision(x):
            return super().forward(x.to(self.frequency_weight.dtype)).to(x.dtype)

    def _carried(self, cells: Tensor) -> Tensor:
        # the state, then real and imaginary parts of the memory
        return cells.new_zeros(1, cells.shape[1], 1 + 2 * FREQUENCIES, self.hidden)

    def _state(self, carried: Tensor) -> Tensor:
        return carried[:, :, 0]

    def _step(self, across: Tensor, down: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        read: Tensor = self.gates(torch.cat([self._state(across), self._state(down), x], dim=-1))
        read, factors = torch.split(read, [6 * self.hidden, 2 * FREQUENCIES], dim=-1)
        keep = torch.sigmoid(factors).view(*x.shape[:2], 2, FREQUENCIES, 1)
        turn = torch.arange(FREQUENCIES, device=x.device, dtype=x.dtype)[:, None] * (math.pi / FREQUENCIES)
        kept_cosine, kept_sine = keep * turn.cos(), keep * turn.sin()  # (cells, batch * streams, 2, frequencies, 1)
        after = [
            _remember(carried, gated, kept_cosine[:, :, place], kept_sine[:, :, place], self.frequency_weight[place])
            for place, (carried, gated) in enumerate(zip((across, down), self._gated(read), strict=True))
        ]
        return after[0], after[1]


def _remember(carried: Tensor, gated: Gated, kept_cosine: Tensor, kept_sine: Tensor, weight: Tensor) -> Tensor:
    """Return state and memory after a step.

    Only the power of the memory is read, so it is kept as S e^(-j w t): what is written is real, and what was
    written before turns back by w.

    Args:
        carried: Before it; (cells, batch * streams, 1 + 2 * frequencies, hidden).
        gated: What the gates let through.
        kept_cosine: g cos(w); (cells, batch * streams, frequencies, 1).
        kept_sine: g sin(w); shaped alike.
        weight: Of each frequency's power; (frequencies,).
    """
    state, real, imaginary = torch.split(carried, [1, FREQUENCIES, FREQUENCIES], dim=2)
    keep = (1.0 - gated.update).unsqueeze(2)
    cosine, sine = kept_cosine * keep, kept_sine * keep
    written = (gated.update * gated.candidate).unsqueeze(2)
    real, imaginary = written + cosine * real + sine * imaginary, cosine * imaginary - sine * real
    power = weight @ (real.square() + imaginary.square())  # (cells, batch * streams, hidden)
    return torch.cat([gated.state(state.squeeze(2), beside=power).unsqueeze(2), real, imaginary], dim=2)
