"""An LSTM whose input and state gate each other before every step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from compute.products import products_of
from encoders.linear import Linear
from encoders.operators._lstm_steps import LstmSlopes, LstmSteps
from encoders.operators._operator import Operator
from encoders.operators._recurrence import (
    in_full_precision,
    recur,
    room_for_steps,
    start_uniform,
    steps_first,
    streams_first,
)
from search_space.registry import register

ROUNDS = 2
"""Gatings before a step: odd rounds gate the input by the state, even ones the state by the input."""


@register(
    "operator",
    "mogrifier_lstm",
    causal=True,
    source="Mogrifier LSTM, Melis et al. 2020, arXiv:1909.01792, eqs. (1) and (2)",
)
class MogrifierLstm(Operator):
    """Gate input x and state h by each other, then take the LSTM's step: x <- 2 sigmoid(Q h) x, h <- 2 sigmoid(R x) h.

    Every round has its own matrix; zero rounds are the LSTM. Deliberate
    differences: two rounds, one of each kind, where the paper tunes their number
    (each round adds a small matrix product to every step); Q and R are whole
    instead of products of thin matrices, because `hidden` is small here; no
    dropout.

    Args:
        hidden: As for every operator.
        depth: As for every operator.
        dropout: As for every operator.
        rounds: How often input and state gate each other, >= 0.

    Raises:
        ValueError: If a size is out of its range.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float, rounds: int = ROUNDS) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        if rounds < 0:
            raise ValueError(f"MogrifierLstm: rounds must be >= 0, got {rounds}")
        # Gates in the order of `LstmSteps`.
        self.input_to_gates = Linear(hidden, 4 * hidden)
        self.state_to_gates = Linear(hidden, 4 * hidden, bias=False)
        self.mutual = nn.ModuleList(Linear(hidden, hidden, bias=False) for _ in range(rounds))
        start_uniform(self, hidden=hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run along time; (batch, streams, time, hidden)."""
        with in_full_precision(x):
            steps = steps_first(x).to(self.input_to_gates.bias.dtype)
            to_gates = torch.cat([self.input_to_gates.weight, self.state_to_gates.weight], dim=1)
            mutual: list[Any] = [map_.weight for map_ in self.mutual]
            states = recur(_Run, steps, to_gates, self.input_to_gates.bias, *mutual)
        return streams_first(states.to(x.dtype), like=x)


class _Run(torch.autograd.Function):
    """The states of all steps, (time, rows, hidden), from the steps themselves.

    `pair` is a step's input and the state before it, side by side. Round r gates
    one half by what it reads of the other.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, to_gates: Tensor, bias: Tensor, *mutual: Tensor) -> Tensor:
        """Run along time; x is (time, rows, hidden), to_gates (4 * hidden, 2 * hidden), each map (hidden, hidden)."""
        time, rows, hidden = x.shape
        keep = any(ctx.needs_input_grad)
        steps = LstmSteps(time, rows, hidden, like=x, keep=keep)
        pairs, pair_at = room_for_steps(time, len(mutual) + 1, rows, 2 * hidden, like=x, keep=keep)
        factors, factor_at = room_for_steps(time, len(mutual), rows, hidden, like=x, keep=keep)
        with products_of(pairs[0, 0], to_gates):
            for step, entering in enumerate(x.unbind(0)):
                pair, *gated = pair_at[step].unbind(0)
                torch.cat([entering, steps.before(step)], dim=1, out=pair)
                places = zip(mutual, gated, factor_at[step].unbind(0), strict=True)
                for round_, (weight, result, factor) in enumerate(places):
                    mine, other = _halves(pair, round_)
                    torch.mm(other, weight.T, out=factor).sigmoid_()
                    my_result, other_result = _halves(result, round_)
                    torch.mul(mine, factor, out=my_result).mul_(2.0)
                    other_result.copy_(other)
                    pair = result
                torch.addmm(bias, pair, to_gates.T, out=steps.room_for_gates(step))
                steps.take(step)
        ctx.save_for_backward(to_gates, pairs, factors, steps.gates, steps.memory, steps.squashed, *mutual)
        return steps.states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_states: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients by the arguments of `forward`, from that by all states (time, rows, hidden)."""
        to_gates, pairs, factors, gates, memory, squashed, *mutual = ctx.saved_tensors
        slopes = LstmSlopes(gates, memory, squashed)
        of_read = torch.empty_like(factors)
        of_x = torch.empty_like(of_states)
        of_state = of_states.new_zeros(of_states.shape[1:])
        with in_full_precision(of_states), products_of(pairs[0, 0], to_gates):
            for step in reversed(range(len(of_x))):
                of_pair = slopes.back(step, of_state.add_(of_states[step])) @ to_gates
                for round_ in reversed(range(len(mutual))):
                    of_mine, of_other = _halves(of_pair, round_)
                    mine, _ = _halves(pairs[step, round_], round_)
                    factor, read = factors[step, round_], of_read[step, round_]
                    of_mine.mul_(2.0)
                    torch.mul(of_mine, mine, out=read).mul_(factor)
                    torch.addcmul(read, read, factor, value=-1.0, out=read)  # the sigmoid's slope is s - s * s
                    of_mine.mul_(factor)
                    of_other.addmm_(read, mutual[round_])
                of_entering, of_state = of_pair.chunk(2, dim=1)
                of_x[step] = of_entering
            of_gates = slopes.of_gates.flatten(0, 1)
            of_mutual = [
                of_read[:, round_].flatten(0, 1).T @ _halves(pairs[:, round_], round_)[1].flatten(0, 1)
                for round_ in range(len(mutual))
            ]
            of_to_gates = of_gates.T @ pairs[:, -1].flatten(0, 1)
        return of_x, of_to_gates, of_gates.sum(dim=0), *of_mutual


def _halves(pair: Tensor, round_: int) -> tuple[Tensor, Tensor]:
    """Return the half of (..., 2 * hidden) that a round gates, and the one that it reads."""
    x, state = pair.chunk(2, dim=-1)
    return (x, state) if round_ % 2 == 0 else (state, x)
