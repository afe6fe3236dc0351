"""An LSTM whose recurrent matrix depends on the input."""

from typing import ClassVar

import torch
from torch import Tensor

from encoders.linear import Linear
from encoders.operators._operator import GraphLengths, Operator
from encoders.operators._recurrence import in_full_precision, lstm_step, start_uniform, steps_first, streams_first
from search_space.registry import register


@register(
    "operator",
    "multiplicative_lstm",
    causal=True,
    source="Multiplicative LSTM, Krause et al. 2016, arXiv:1609.07959, section 3",
)
class MultiplicativeLstm(Operator):
    """Let the gates of an LSTM read m = (W_mx x) * (W_mh h) in place of the last state h.

    Each input so chooses its own recurrent transition, W_m diag(W_mx x) W_mh.
    As wide as the latent; state and memory start from zero. Deliberate
    differences: no weight normalisation and no dropout.
    """

    graph: ClassVar[GraphLengths] = "one"

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.input_to_factor = Linear(hidden, hidden, bias=False)
        self.state_to_factor = Linear(hidden, hidden, bias=False)
        # Gates in the order of `lstm_step`.
        self.input_to_gates = Linear(hidden, 4 * hidden)
        self.factor_to_gates = Linear(hidden, 4 * hidden, bias=False)
        start_uniform(self, hidden=hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run along time; (batch, streams, time, hidden)."""
        with in_full_precision(x):
            steps = steps_first(x).to(self.input_to_gates.bias.dtype)
            # All that does not wait for the state is computed for all steps at once.
            factors, reads = self.input_to_factor(steps).unbind(0), self.input_to_gates(steps).unbind(0)
            to_factor, to_gates = self.state_to_factor.weight.T, self.factor_to_gates.weight.T
            state = memory = torch.zeros_like(steps[0])
            states = []
            for factor, read in zip(factors, reads, strict=True):
                state, memory = lstm_step(torch.addmm(read, factor * (state @ to_factor), to_gates), memory)
                states.append(state)
        return streams_first(torch.stack(states).to(x.dtype), like=x)
