"""An LSTM whose input and state gate each other before every step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._operator import Operator
from encoders.operators._recurrence import in_full_precision, lstm_step, start_uniform, steps_first, streams_first
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
        rounds: How often input and state gate each other before a step, >= 0.

    Raises:
        ValueError: If a size is out of its range.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float, rounds: int = ROUNDS) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        if rounds < 0:
            raise ValueError(f"MogrifierLstm: rounds must be >= 0, got {rounds}")
        # Gates in the order of `lstm_step`.
        self.input_to_gates = Linear(hidden, 4 * hidden)
        self.state_to_gates = Linear(hidden, 4 * hidden, bias=False)
        self.mutual = nn.ModuleList(Linear(hidden, hidden, bias=False) for _ in range(rounds))
        start_uniform(self, hidden=hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run along time; (batch, streams, time, hidden)."""
        with in_full_precision(x):
            bias = self.input_to_gates.bias
            steps = steps_first(x).to(bias.dtype)
            to_gates = torch.cat([self.input_to_gates.weight, self.state_to_gates.weight], dim=1).T
            mutual = [weight.T for weight in self.mutual.parameters()]
            state = memory = torch.zeros_like(steps[0])
            states = []
            for entering in steps.unbind(0):
                for round_, weight in enumerate(mutual):
                    if round_ % 2 == 0:
                        entering = 2.0 * torch.sigmoid(state @ weight) * entering
                    else:
                        state = 2.0 * torch.sigmoid(entering @ weight) * state
                read = torch.addmm(bias, torch.cat([entering, state], dim=1), to_gates)
                state, memory = lstm_step(read, memory)
                states.append(state)
        return streams_first(torch.stack(states).to(x.dtype), like=x)
