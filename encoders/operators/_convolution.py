"""Convolution over time on the (batch, streams, time, hidden) layout, without copies."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.strides import apart_by


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

    def forward(self, input: Tensor, *, have: int = 1, want: int = 1) -> Tensor:
        """Convolve (batch, streams, time, inputs) into (batch, streams, time, outputs).

        Args:
            input: Steps of stride `have`; (batch, streams, time, inputs).
            have: Stride of the input, of which `dilation_in_time` is a multiple.
            want: Stride of the output.
        """
        length = input.shape[2]
        reach = self.taps  # taps on one side that can meet a real step
        if not torch.compiler.is_compiling():  # a graph is for all lengths
            reach = min(reach, (length - 1) * have // self.dilation_in_time)
        dilation = self.dilation_in_time // have if reach else 1
        last = self.taps - 1 if self.causal else self.taps // 2  # the tap on the step itself
        before, after = min(last, reach), min(self.taps - 1 - last, reach)
        weight = self.weight[..., last - before : last + after + 1]
        stride = apart_by(have=have, want=want, length=length)
        padding = 0
        if stride == 1 and before == after:
            padding = before * dilation
        else:  # a negative padding cuts off what no output sees
            input = F.pad(input, (0, 0, before * dilation - (length - 1) % stride, after * dilation))
        result = F.conv2d(
            input.permute(0, 3, 1, 2),
            weight,
            self.bias,
            padding=(0, padding),
            stride=(1, stride),
            dilation=(1, dilation),
            groups=self.groups,
        )
        return result.permute(0, 2, 3, 1)
