"""Convolution over time on the (batch, streams, time, hidden) layout, without copies."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class TimeConvolution(nn.Conv2d):
    """A dilated convolution over time, shared by all streams, that keeps the length.

    It is a 2-D convolution with a kernel of height 1 over (streams, time): our
    layout, seen as (batch, hidden, streams, time), is torch's channels-last
    format, which the CPU kernels take without a transpose (about twice as fast
    as a 1-D convolution). Steps outside the window count as zero; taps that can
    only see them are left out of the computation.

    Args:
        inputs: Width of the input.
        outputs: Width of the output.
        taps: Kernel length; odd unless causal.
        dilation_in_time: Steps between two taps.
        causal: Pad on the left only, so that step t sees steps <= t.
        groups: As in torch; equal to `inputs` for a depthwise filter.
    """

    def __init__(
        self, inputs: int, outputs: int, *, taps: int, dilation_in_time: int = 1, causal: bool, groups: int = 1
    ) -> None:
        super().__init__(inputs, outputs, (1, taps), dilation=(1, dilation_in_time), groups=groups)
        self.taps = taps
        self.dilation_in_time = dilation_in_time
        self.causal = causal

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (batch, streams, time, inputs) into (batch, streams, time, outputs)."""
        dilation = self.dilation_in_time
        reach = (input.shape[2] - 1) // dilation  # taps on one side that can meet a real step
        weight, padding = self.weight, 0
        if self.causal:
            taps = min(self.taps, reach + 1)
            weight = weight[..., self.taps - taps :]
            input = F.pad(input, (0, 0, (taps - 1) * dilation, 0))
        else:
            side = min(self.taps // 2, reach)
            middle = self.taps // 2
            weight = weight[..., middle - side : middle + side + 1]
            padding = side * dilation
        channels_first = input.permute(0, 3, 1, 2)
        result = F.conv2d(
            channels_first, weight, self.bias, padding=(0, padding), dilation=(1, dilation), groups=self.groups
        )
        return result.permute(0, 2, 3, 1)
