"""Self-attention across the variates."""

from torch import Tensor

from encoders.operators._attention import AttentionBlock
from encoders.operators._operator import Operator
from search_space.registry import register


@register("operator", "variate_attention", causal=True, source="iTransformer, Liu et al. 2024, arXiv:2310.06625")
class VariateAttention(Operator):
    """Let the streams of a window attend to each other, step by step.

    Deliberate difference: iTransformer's token is the whole history of a
    variate; here it is a variate's latent at one step, which keeps the operator
    causal and free of a fixed window length. With one stream only its own value
    is left to attend to.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.block = AttentionBlock(hidden, dropout=dropout)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Attend across streams; (batch, streams, time, hidden)."""
        by_step = x.transpose(1, 2)  # (batch, time, streams, hidden)
        result: Tensor = self.block(by_step.flatten(0, 1))
        return result.view(by_step.shape).transpose(1, 2)
