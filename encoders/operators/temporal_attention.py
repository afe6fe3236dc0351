"""Full self-attention over time."""

from typing import ClassVar

from torch import Tensor

from encoders.operators._attention import AttentionBlock, SelfAttention, sinusoids
from encoders.operators._operator import Operator
from search_space.registry import register


@register("operator", "temporal_attention", source="Transformer encoder, Vaswani et al. 2017, arXiv:1706.03762")
class TemporalAttention(Operator):
    """Let every step attend to all steps of its stream.

    Deliberate differences: normalised before each branch, one head per 16
    features, sinusoids added to what the attention reads only. Padded steps are
    not attended to.
    """

    attention: ClassVar[type[SelfAttention]] = SelfAttention
    """Which steps attend."""

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.block = AttentionBlock(hidden, dropout=dropout, attention=self.attention)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Attend over time; (batch, streams, time, hidden)."""
        streams, time = x.shape[1:3]
        keys = None if span is None else span.repeat_interleave(streams, dim=0)
        tokens = x.flatten(0, 1)  # (batch * streams, time, hidden)
        result: Tensor = self.block(tokens, positions=sinusoids(time, like=x), keys=keys)
        return result.view(x.shape)
