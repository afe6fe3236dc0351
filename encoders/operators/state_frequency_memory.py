"""A recurrent memory with one component per frequency."""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._operator import GraphLengths, Operator
from encoders.operators._recurrence import in_full_precision, start_uniform, steps_first, streams_first
from search_space.registry import register

FREQUENCIES = 4
"""Frequencies of the memory, evenly spaced: 0, 1/8, 2/8 and 3/8 cycles per step."""


@register(
    "operator",
    "state_frequency_memory",
    causal=True,
    source="SFM, Hu and Qi 2017, PMLR 70; output as in Zhang et al. 2017, KDD, doi:10.1145/3097983.3098117",
)
class StateFrequencyMemory(Operator):
    """Keep an LSTM's memory as a matrix of states times frequencies.

    With gates i (input), f = g s^T (one factor per frequency, one per state), o
    (output) and candidate c, the complex memory is S_t = f * S_(t-1) + i c
    e^(j w t), and the state is o tanh(sum over frequencies of u |S_t|^2 + b).
    The memory starts from zero; t counts from 1 at the start of the window.

    Deliberate differences: frequencies lie on half the circle, w = pi k / K,
    because the other half of a real series repeats it; four of them, as the cost
    grows with their number; the sigmoid is not replaced by a piecewise linear
    function, and Zhang et al.'s map from state to output is left out.
    """

    graph: ClassVar[GraphLengths] = "one"

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        # Sigmoids i, s, o (hidden each) and g (frequencies), then the candidate c.
        width = 4 * hidden + FREQUENCIES
        self.input_to_gates = Linear(hidden, width)
        self.state_to_gates = Linear(hidden, width, bias=False)
        start_uniform(self, hidden=hidden)
        with torch.no_grad():  # both factors of the forget gate start open
            self.input_to_gates.bias[hidden : 2 * hidden] = 1.0
            self.input_to_gates.bias[3 * hidden : 3 * hidden + FREQUENCIES] = 1.0
        self.frequency_weight = nn.Parameter(torch.full((FREQUENCIES,), 1.0 / FREQUENCIES))
        self.output_bias = nn.Parameter(torch.zeros(hidden))

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run along time; (batch, streams, time, hidden)."""
        hidden = self.hidden
        with in_full_precision(x):
            steps = steps_first(x).to(self.output_bias.dtype)
            reads, to_gates = self.input_to_gates(steps), self.state_to_gates.weight.T
            widths = [hidden, hidden, hidden, FREQUENCIES]
            weights = self.frequency_weight.repeat(2)  # real and imaginary parts count alike
            state = torch.zeros_like(steps[0])
            memory = state.new_zeros(2, FREQUENCIES, *state.shape)  # the real part first
            states = []
            for read, rotation in zip(reads.unbind(0), rotations(len(steps), like=steps).unbind(0), strict=True):
                read = torch.addmm(read, state, to_gates)
                gates, candidate = torch.split(read, [3 * hidden + FREQUENCIES, hidden], dim=1)
                let_in, keep, let_out, keep_frequency = torch.split(torch.sigmoid(gates), widths, dim=1)
                forget = keep_frequency.T.contiguous().unsqueeze(-1) * keep  # (frequencies, rows, hidden)
                memory = torch.addcmul(forget * memory, rotation, let_in * torch.tanh(candidate))
                power = (weights @ memory.square().view(2 * FREQUENCIES, -1)).view_as(state)
                state = let_out * torch.tanh(power + self.output_bias)
                states.append(state)
        return streams_first(torch.stack(states).to(x.dtype), like=x)


def rotations(time: int, *, like: Tensor) -> Tensor:
    """Return cosines and sines of pi k t / K at the steps t = 1 .. time; (time, 2, frequencies, 1, 1).

    The angle is reduced to one turn before it is computed, so that it is as
    exact at a late step as at an early one.
    """
    turn = 2 * FREQUENCIES
    step = torch.arange(1, time + 1, device=like.device)
    frequency = torch.arange(FREQUENCIES, device=like.device)
    angles = (step[:, None] * frequency % turn).to(like.dtype) * (2.0 * math.pi / turn)
    return torch.stack([angles.cos(), angles.sin()], dim=1)[..., None, None]
