"""A long short-term memory over time."""

from typing import ClassVar

from torch import Tensor, nn

from encoders.operators._operator import GraphLengths, Operator
from encoders.operators._recurrence import steps_first, streams_first
from search_space.registry import register


@register(
    "operator",
    "lstm",
    causal=True,
    source="LSTM, Hochreiter and Schmidhuber 1997, Neural Computation 9(8), with the forget gate of Gers et al. 2000",
)
class Lstm(Operator):
    """Run one LSTM layer along each stream; state and memory start from zero.

    No peepholes, no dropout, and all biases start within 1 / sqrt(hidden), as
    torch's layer has it. Its steps cannot be computed side by side.
    """

    graph: ClassVar[GraphLengths] = "one"

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.recurrence = nn.LSTM(hidden, hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run along time; (batch, streams, time, hidden)."""
        return streams_first(self.recurrence(steps_first(x))[0], like=x)
