"""A plain convolution over time."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators._convolution import TimeConvolution
from encoders.operators._operator import Operator
from search_space.registry import register


@register("operator", "conv1d", source="1-D convolution as in FCN, Wang et al. 2017, arXiv:1611.06455")
class Conv1d(Operator):
    """Convolve three neighbouring steps and rectify.

    Symmetric zero padding, dilation 1, GELU. Weights start with He et al.'s
    (2015) variance, so that the scale of the latent survives without a norm.
    """

    takes_strides: ClassVar[bool] = True

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.convolution = TimeConvolution(hidden, hidden, taps=3, causal=False)
        nn.init.kaiming_normal_(self.convolution.weight, nonlinearity="relu")

    def forward(self, x: Tensor, span: Tensor | None = None, *, have: int = 1, want: int = 1) -> Tensor:
        """Convolve over time; (batch, streams, time, hidden)."""
        return F.gelu(self.convolution(x, have=have, want=want))
