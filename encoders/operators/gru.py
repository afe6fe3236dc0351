"""A gated recurrent unit over time."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from compute.products import linear, products_of
from encoders.operators._operator import GraphLengths, Operator
from encoders.operators._recurrence import in_full_precision, steps_first, streams_first
from search_space.registry import register

_IN_CACHE = 2**15
"""Numbers of a value whose steps are worked on together on the way back."""


@register("operator", "gru", causal=True, source="GRU, Cho et al. 2014, arXiv:1406.1078")
class Gru(Operator):
    """Run one gated recurrent layer along each stream; it starts from zero.

    Slow on a CPU: its steps cannot be computed side by side.
    """

    graph: ClassVar[GraphLengths] = "one"

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.recurrence = nn.GRU(hidden, hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run along time; (batch, streams, time, hidden)."""
        if x.device.type != "cpu":
            return streams_first(self.recurrence(steps_first(x))[0], like=x)
        with in_full_precision(x):
            weight_x, weight_state, bias_x, bias_state = self.recurrence.all_weights[0]
            steps = steps_first(x).to(bias_x.dtype)
            if torch.is_grad_enabled() and not torch.compiler.is_compiling():
                read = linear(steps, weight_x, bias_x)
                states: Tensor = _Run.apply(read, weight_state, bias_state)  # type: ignore[no-untyped-call]
            else:  # without a way back torch's own is as fast
                states = self.recurrence(steps)[0]
        return streams_first(states.to(x.dtype), like=x)


class _Run(torch.autograd.Function):
    """The states of all steps, (time, rows, hidden), from what the gates read of the input.

    Torch would record some ten functions a step, whose bookkeeping takes longer than
    their arithmetic. So the gradient is written out, and whatever of it does not wait
    for the next step's is computed for many steps at once.

    With gates r (reset) and u (update), h the state before a step and q what the
    candidate n = tanh(p + r q) reads of it, the state is n + u (h - n). All
    gradients of a step are the one by its state times what the way there kept.
    """

    @staticmethod
    def forward(ctx: Any, read: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Run along time; read is (time, rows, 3 * hidden), weight (3 * hidden, hidden), bias (3 * hidden,)."""
        time, rows, hidden = len(read), read.shape[1], weight.shape[1]
        gates, candidates = read.new_empty(time, rows, 3 * hidden), read.new_empty(time, rows, hidden)
        states = read.new_zeros(time + 1, rows, hidden)
        gates_at, candidate_at, state_at = gates.unbind(0), candidates.unbind(0), states.unbind(0)
        doors, candidate_reads = torch.split(read, [2 * hidden, hidden], dim=2)
        with products_of(states[0], weight):
            for step, (door, candidate_read) in enumerate(zip(doors.unbind(0), candidate_reads.unbind(0), strict=True)):
                torch.addmm(bias, state_at[step], weight.T, out=gates_at[step])
                opened, heard = torch.split(gates_at[step], [2 * hidden, hidden], dim=1)
                reset, update = opened.add_(door).sigmoid_().chunk(2, dim=1)
                candidate = torch.addcmul(candidate_read, reset, heard, out=candidate_at[step])
                candidate.mul_(2.0).sigmoid_().mul_(2.0).sub_(1.0)  # `soft_sign`, in place
                torch.lerp(candidate, state_at[step], update, out=state_at[step + 1])
        ctx.save_for_backward(weight, gates, candidates, states)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients by the arguments of `forward`, from that by all states (time, rows, hidden)."""
        weight, gates, candidates, states = ctx.saved_tensors
        time, rows, hidden = of_states.shape
        # By p, reset, update and q: the input has no part in the last, the state none in the first.
        slopes = of_states.new_empty(time, rows, 4 * hidden)
        of_state = of_states.new_zeros(rows, hidden)
        together = max(1, _IN_CACHE // max(1, rows * hidden))
        with in_full_precision(of_states), products_of(states[0], weight):
            for end in range(time, 0, -together):
                part = slice(max(0, end - together), end)
                reset, update, heard = gates[part].chunk(3, dim=2)
                by_candidate = (1.0 - update) * (1.0 - candidates[part].square())
                by_reset = by_candidate * heard * reset * (1.0 - reset)
                by_update = (states[part] - candidates[part]) * update * (1.0 - update)
                torch.cat([by_candidate, by_reset, by_update, by_candidate * reset], dim=2, out=slopes[part])
                for step in reversed(range(part.start, end)):
                    of_state = of_state.add_(of_states[step])
                    slope = slopes[step].view(rows, 4, hidden)
                    slope.mul_(of_state.unsqueeze(1))
                    of_state = (of_state * gates[step, :, hidden : 2 * hidden]).addmm_(slopes[step, :, hidden:], weight)
            of_read = torch.cat([slopes[:, :, hidden : 3 * hidden], slopes[:, :, :hidden]], dim=2)
            by_states = slopes[:, :, hidden:].flatten(0, 1)
            return of_read, by_states.T @ states[:-1].flatten(0, 1), by_states.sum(dim=0)
