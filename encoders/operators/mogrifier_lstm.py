"""An LSTM whose input and state gate each other before every step."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._operator import GraphLengths, Operator
from encoders.operators._recurrence import in_full_precision, lstm_step, start_uniform, steps_first, streams_first
from search_space.registry import register


@register(
    "operator",
    "mogrifier_lstm",
    causal=True,
    source="Mogrifier LSTM, Melis et al. 2020, arXiv:1909.01792, eqs. (1) and (2)",
)
class MogrifierLstm(Operator):
    """Gate input x and state h by each other, then take the LSTM's step: x <- 2 sigmoid(Q h) x, h <- 2 sigmoid(R x) h.

    Where Q and R are zero it is the LSTM. Deliberate differences: these two rounds,
    one of each kind, where the paper tunes their number (each adds a small matrix
    product to every step); Q and R are whole instead of products of thin matrices,
    because `hidden` is small here; no dropout.
    """

    graph: ClassVar[GraphLengths] = "one"

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        # Gates in the order of `lstm_step`.
        self.input_to_gates = Linear(hidden, 4 * hidden)
        self.state_to_gates = Linear(hidden, 4 * hidden, bias=False)
        self.mutual = nn.ModuleList(Linear(hidden, hidden, bias=False) for _ in range(2))  # Q and R
        start_uniform(self, hidden=hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run along time; (batch, streams, time, hidden)."""
        with in_full_precision(x):
            bias = self.input_to_gates.bias
            steps = steps_first(x).to(bias.dtype)
            to_gates = torch.cat([self.input_to_gates.weight, self.state_to_gates.weight], dim=1).T
            of_state, of_input = (weight.T for weight in self.mutual.parameters())
            state = memory = torch.zeros_like(steps[0])
            states = []
            for entering in steps.unbind(0):
                entering = 2.0 * torch.sigmoid(state @ of_state) * entering
                state = 2.0 * torch.sigmoid(entering @ of_input) * state
                read = torch.addmm(bias, torch.cat([entering, state], dim=1), to_gates)
                state, memory = lstm_step(read, memory)
                states.append(state)
        return streams_first(torch.stack(states).to(x.dtype), like=x)
