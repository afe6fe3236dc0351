"""A gated recurrent unit over time."""

from __future__ import annotations

from torch import Tensor, nn

from encoders.operators._operator import Operator
from search_space.registry import register


@register("operator", "gru", causal=True, source="GRU, Cho et al. 2014, arXiv:1406.1078")
class Gru(Operator):
    """Run one gated recurrent layer along each stream; it starts from zero.

    The slowest operator on a CPU: its steps cannot be computed side by side.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.recurrence = nn.GRU(hidden, hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run along time; (batch, streams, time, hidden)."""
        steps_first = x.flatten(0, 1).transpose(0, 1).contiguous()  # (time, batch * streams, hidden)
        states: Tensor = self.recurrence(steps_first)[0]
        return states.transpose(0, 1).reshape(x.shape)
