"""ModernTCN's block: a depthwise convolution with a large kernel, then a network on every step."""

from typing import ClassVar

from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._convolution import TimeConvolution
from encoders.operators._operator import Operator
from encoders.strides import thin
from search_space.registry import register

LARGE_TAPS = 51
SMALL_TAPS = 5


@register(
    "operator",
    "depthwise_conv",
    source="ModernTCN, Luo and Wang 2024, ICLR (OpenReview vpJMJerXHU), DWConv and ConvFFN1",
)
class DepthwiseConv(Operator):
    """Filter every feature over 51 steps, mix the features of each step, and add the result to the latent.

    Symmetric zero padding, dilation 1; a step sees 25 steps to either side. As
    in the source, a small filter of 5 steps runs beside the large one.

    Deliberate differences: a layer norm per step takes the place of the batch
    norms, which would let windows meet; the second network of the source, over
    variates, is left out, because the number of streams is open.
    """

    takes_strides: ClassVar[bool] = True

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.large = TimeConvolution(hidden, hidden, taps=LARGE_TAPS, causal=False, groups=hidden)
        self.small = TimeConvolution(hidden, hidden, taps=SMALL_TAPS, causal=False, groups=hidden)
        self.norm = nn.LayerNorm(hidden)
        self.network = nn.Sequential(Linear(hidden, 2 * hidden), nn.GELU(), Linear(2 * hidden, hidden))

    def forward(self, x: Tensor, span: Tensor | None = None, *, have: int = 1, want: int = 1) -> Tensor:
        """Apply the block; (batch, streams, time, hidden)."""
        filtered = self.large(x, have=have, want=want) + self.small(x, have=have, want=want)
        return thin(x, have=have, want=want) + self.dropout(self.network(self.norm(filtered)))  # type: ignore[no-any-return]
