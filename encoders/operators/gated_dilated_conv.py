"""The gated dilated causal convolution of WaveNet and AutoCTS."""

from typing import ClassVar

import torch
from torch import Tensor

from encoders.operators._convolution import TimeConvolution
from encoders.operators._operator import Operator
from encoders.operators._recurrence import soft_sign
from encoders.strides import thin
from search_space.registry import register


@register(
    "operator",
    "gated_dilated_conv",
    causal=True,
    source="WaveNet, van den Oord et al. 2016, arXiv:1609.03499, eq. (2); GDCC of AutoCTS, PVLDB 15(4)",
)
class GatedDilatedConv(Operator):
    """Add a causal convolution, gated by another one, to the latent: x + tanh(f) * sigmoid(g).

    Kernel 2 with dilation 2^depth (at most 512), as both sources. WaveNet's
    residual connection is kept, its 1x1 convolution is left out, and AutoCTS's
    batch normalisation gives way to the residual connection: no norm layers.
    """

    takes_strides: ClassVar[bool] = True

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.grid = self.dilation
        self.filter_and_gate = TimeConvolution(hidden, 2 * hidden, taps=2, dilation_in_time=self.dilation, causal=True)

    def forward(self, x: Tensor, span: Tensor | None = None, *, have: int = 1, want: int = 1) -> Tensor:
        """Apply the gated convolution; (batch, streams, time, hidden)."""
        content, gate = self.filter_and_gate(x, have=have, want=want).chunk(2, dim=-1)
        return thin(x, have=have, want=want) + soft_sign(content) * torch.sigmoid(gate)
