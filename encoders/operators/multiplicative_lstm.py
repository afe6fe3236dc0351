"""An LSTM whose recurrent matrix depends on the input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
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

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.input_to_factor = Linear(hidden, hidden, bias=False)
        self.state_to_factor = Linear(hidden, hidden, bias=False)
        # Gates in the order of `LstmSteps`.
        self.input_to_gates = Linear(hidden, 4 * hidden)
        self.factor_to_gates = Linear(hidden, 4 * hidden, bias=False)
        start_uniform(self, hidden=hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run along time; (batch, streams, time, hidden)."""
        with in_full_precision(x):
            steps = steps_first(x).to(self.input_to_gates.bias.dtype)
            # All that does not wait for the state is computed for all steps at once.
            factors, gates = self.input_to_factor(steps), self.input_to_gates(steps)
            states = recur(_Run, factors, gates, self.state_to_factor.weight, self.factor_to_gates.weight)
        return streams_first(states.to(x.dtype), like=x)


class _Run(torch.autograd.Function):
    """The states of all steps, (time, rows, hidden), from what factor and gates read of the input."""

    @staticmethod
    def forward(ctx: Any, factors: Tensor, gates: Tensor, to_factor: Tensor, to_gates: Tensor) -> Tensor:
        """Run along time; factors are (time, rows, hidden), gates (time, rows, 4 * hidden)."""
        time, rows, hidden = factors.shape
        keep = any(ctx.needs_input_grad)
        steps = LstmSteps(time, rows, hidden, like=factors, keep=keep)
        mapped, mapped_at = room_for_steps(time, rows, hidden, like=factors, keep=keep)
        product, product_at = room_for_steps(time, rows, hidden, like=factors, keep=keep)
        with products_of(factors[0], to_gates):
            for step, (factor, read) in enumerate(zip(factors.unbind(0), gates.unbind(0), strict=True)):
                torch.mm(steps.before(step), to_factor.T, out=mapped_at[step])
                torch.mul(factor, mapped_at[step], out=product_at[step])
                torch.addmm(read, product_at[step], to_gates.T, out=steps.room_for_gates(step))
                steps.take(step)
        ctx.save_for_backward(
            factors, to_factor, to_gates, mapped, product, steps.states, steps.gates, steps.memory, steps.squashed
        )
        return steps.states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_states: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the gradients by the arguments of `forward`, from that by all states (time, rows, hidden)."""
        factors, to_factor, to_gates, mapped, product, states, *kept = ctx.saved_tensors
        slopes = LstmSlopes(*kept)
        of_factors, of_mapped = torch.empty_like(factors), torch.empty_like(factors)
        of_state = of_states.new_zeros(of_states.shape[1:])
        with in_full_precision(of_states), products_of(factors[0], to_gates):
            for step in reversed(range(len(factors))):
                of_product = slopes.back(step, of_state.add_(of_states[step])) @ to_gates
                torch.mul(of_product, mapped[step], out=of_factors[step])
                torch.mul(of_product, factors[step], out=of_mapped[step])
                of_state = of_mapped[step] @ to_factor
            of_to_factor = of_mapped.flatten(0, 1).T @ states[:-1].flatten(0, 1)
            of_to_gates = slopes.of_gates.flatten(0, 1).T @ product.flatten(0, 1)
        return of_factors, slopes.of_gates, of_to_factor, of_to_gates
