"""TS2Vec's residual block of two dilated convolutions."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from encoders.operators._convolution import TimeConvolution
from encoders.operators._operator import Operator, within_span
from encoders.strides import thin
from search_space.registry import register


@register("operator", "dilated_conv", source="TS2Vec, Yue et al. 2022, arXiv:2106.10466, section 3.1 (ConvBlock)")
class DilatedConv(Operator):
    """Add two rectified dilated convolutions to the latent: x + conv(GELU(conv(GELU(x)))).

    Kernel 3 with dilation 2^depth (at most 512), symmetric zero padding, no norm
    layers and no dropout inside, as in TS2Vec; a step sees `1 + 4 * dilation` steps.
    """

    takes_strides: ClassVar[bool] = True

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.grid = self.dilation
        self.first = TimeConvolution(hidden, hidden, taps=3, dilation_in_time=self.dilation, causal=False)
        self.second = TimeConvolution(hidden, hidden, taps=3, dilation_in_time=self.dilation, causal=False)

    def forward(self, x: Tensor, span: Tensor | None = None, *, have: int = 1, want: int = 1) -> Tensor:
        """Apply the block; (batch, streams, time, hidden)."""
        # Both convolutions have one dilation, so between them lie the steps of the input's stride.
        inner = F.gelu(self.first(F.gelu(x), have=have, want=have))
        # The second convolution must meet the same zeros beyond the end as for an unpadded series.
        added: Tensor = self.second(within_span(inner, span), have=have, want=want)
        return thin(x, have=have, want=want) + added
