"""A recurrent memory with one component per frequency."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from compute.products import products_of
from encoders.linear import Linear
from encoders.operators._operator import Operator
from encoders.operators._recurrence import (
    in_full_precision,
    open_gates,
    recur,
    room_for_steps,
    squash,
    start_uniform,
    steps_first,
    streams_first,
)
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
        with in_full_precision(x):
            steps = steps_first(x).to(self.output_bias.dtype)
            read = self.input_to_gates(steps)
            states = recur(_Run, read, self.state_to_gates.weight, self.frequency_weight, self.output_bias)
        return streams_first(states.to(x.dtype), like=x)


class _Run(torch.autograd.Function):
    """The states of all steps, (time, rows, hidden), from what the gates read of the input.

    The memory of a step is (2, frequencies, rows, hidden), the real part first.
    """

    @staticmethod
    def forward(ctx: Any, read: Tensor, to_gates: Tensor, frequency_weight: Tensor, bias: Tensor) -> Tensor:
        """Run along time; read is (time, rows, 4 * hidden + frequencies), to_gates as wide by hidden."""
        time, rows, _ = read.shape
        hidden = len(bias)
        room = partial(room_for_steps, like=read, keep=any(ctx.needs_input_grad))
        gates, gates_at = room(time, *read.shape[1:])
        memory, memory_at = room(time + 1, 2, FREQUENCIES, rows, hidden)
        squashed, squashed_at = room(time, rows, hidden)
        states, state_at = room_for_steps(time + 1, rows, hidden, like=read, keep=True)
        memory_at[0].zero_()
        state_at[0].zero_()
        weights = frequency_weight.repeat(2)  # real and imaginary parts count alike
        with products_of(states[0], to_gates):
            for step, rotation in enumerate(rotations(time, like=read).unbind(0)):
                torch.addmm(read[step], state_at[step], to_gates.T, out=gates_at[step])
                open_gates(gates_at[step], hidden=hidden)
                let_in, keep, let_out, keep_frequency, candidate = _parts(gates_at[step], hidden)
                kept = torch.mul(_forget(keep, keep_frequency), memory_at[step], out=memory_at[step + 1])
                kept.addcmul_(rotation, let_in * candidate)
                power = (weights @ kept.square().view(2 * FREQUENCIES, -1)).view(rows, hidden)
                level = squash(torch.add(power, bias, out=squashed_at[step]).mul_(2.0))
                torch.mul(let_out, level, out=state_at[step + 1])
        ctx.save_for_backward(to_gates, weights, gates, memory, squashed, states)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_states: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the gradients by the arguments of `forward`, from that by all states (time, rows, hidden)."""
        to_gates, weights, gates, memory, squashed, states = ctx.saved_tensors
        time, rows, hidden = of_states.shape
        of_gates, of_power = torch.empty_like(gates), torch.empty_like(squashed)
        of_weights = torch.zeros_like(weights)
        of_memory, of_state = torch.zeros_like(memory[0]), of_states.new_zeros(rows, hidden)
        rotation = rotations(time, like=of_states)
        twice = 2.0 * weights.view(2, FREQUENCIES, 1, 1)
        with in_full_precision(of_states), products_of(states[0], to_gates):
            for step in reversed(range(time)):
                of_state = of_state.add_(of_states[step])
                level = squashed[step]
                let_in, keep, let_out, keep_frequency, candidate = _parts(gates[step], hidden)
                of_in, of_keep, of_out, of_keep_frequency, of_candidate = _parts(of_gates[step], hidden)
                power = torch.mul(of_state * let_out, 1.0 - level.square(), out=of_power[step])
                of_weights.addmv_(memory[step + 1].square().view(2 * FREQUENCIES, -1), power.flatten())
                of_memory.addcmul_(memory[step + 1], twice * power)
                of_written = (rotation[step].flatten() @ of_memory.view(2 * FREQUENCIES, -1)).view(rows, hidden)
                of_forget = (of_memory * memory[step]).sum(dim=0)
                of_memory.mul_(_forget(keep, keep_frequency))
                torch.mul(of_written, candidate, out=of_in)
                torch.sum(of_forget * keep_frequency.T.unsqueeze(-1), dim=0, out=of_keep)
                torch.mul(of_state, level, out=of_out)
                of_keep_frequency.copy_((of_forget * keep).sum(dim=2).T)
                opened, of_opened = gates[step][:, :-hidden], of_gates[step][:, :-hidden]
                of_opened.mul_(opened - opened.square())
                torch.mul(of_written * let_in, 1.0 - candidate.square(), out=of_candidate)
                of_state = of_gates[step] @ to_gates
            of_to_gates = of_gates.flatten(0, 1).T @ states[:-1].flatten(0, 1)
        return of_gates, of_to_gates, of_weights.view(2, -1).sum(dim=0), of_power.sum(dim=(0, 1))


def _parts(gates: Tensor, hidden: int) -> Sequence[Tensor]:
    """Split (rows, 4 * hidden + frequencies): input, state and output gate, those of the frequencies, candidate."""
    return torch.split(gates, [hidden, hidden, hidden, FREQUENCIES, hidden], dim=1)


def _forget(keep: Tensor, keep_frequency: Tensor) -> Tensor:
    """Return what is kept of each component; (frequencies, rows, hidden)."""
    return keep_frequency.T.contiguous().unsqueeze(-1) * keep


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
