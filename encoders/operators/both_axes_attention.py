"""Self-attention across variates and along time, side by side."""

import torch
from torch import Tensor

from encoders.linear import Linear
from encoders.operators._operator import Operator
from encoders.operators.temporal_attention import TemporalAttention
from encoders.operators.variate_attention import VariateAttention
from search_space.registry import register


@register(
    "operator",
    "both_axes_attention",
    source="Fieldy, Azorin et al. 2024, arXiv:2406.15327, row-wise and column-wise field transformers",
)
class BothAxesAttention(Operator):
    """Let every value attend to its step's other variates and, apart from that, to its variate's other steps.

    The series is a table with a row per step and a column per variate. What the
    two attentions make of a value is put side by side and mapped to one latent.
    With one stream the first has only the value itself to attend to.

    Deliberate differences: one layer of either attention, as `variate_attention`
    and `temporal_attention` have it; the last transformer of the paper, in which
    all values of the table attend to all, is left to further operators.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.across = VariateAttention(hidden, depth=depth, dropout=dropout)
        self.along = TemporalAttention(hidden, depth=depth, dropout=dropout)
        self.join = Linear(2 * hidden, hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Attend over both axes; (batch, streams, time, hidden)."""
        joined: Tensor = self.join(torch.cat([self.across(x, span), self.along(x, span)], dim=-1))
        return joined
