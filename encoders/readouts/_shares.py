"""Shares of steps above thresholds that are fitted to the task: `shares_1`, `shares_4` and `shares_8`."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from encoders.readouts._readout import Readout

SOFTNESS = 0.1
"""Width of the threshold in training, in deviations of the feature."""
_MOST_VALUES = 16_384  # of a feature, to find its quantiles
_AT_A_TIME = 512  # features


class SharesReadout(Readout):
    """Give, for each feature, the share of the observed steps that lie above each of its thresholds.

    `fit` puts the thresholds at even quantiles of what the training windows give. Exact in evaluation; in training a
    logistic function a tenth of a deviation wide stands for each threshold, so that the thresholds learn as well.
    """

    fitted: ClassVar[bool] = True
    start: Tensor
    deviation: Tensor

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.shifts = nn.Parameter(torch.zeros(features, self.parts))  # in deviations of the feature
        self.register_buffer("start", torch.zeros(features, self.parts))
        self.register_buffer("deviation", torch.ones(features))

    def fit(self, values: Tensor, part: slice = slice(None)) -> None:
        """Set the thresholds of some features.

        Args:
            values: What these features are at observed steps, (some features, steps).
            part: Which they are.
        """
        values = values[:, :: max(1, -(-values.shape[1] // _MOST_VALUES))]
        shares = torch.arange(1, self.parts + 1, device=values.device, dtype=values.dtype) / (self.parts + 1)
        with torch.no_grad():
            # torch takes no more than 2^24 values at a time
            self.start[part] = torch.cat(
                [torch.quantile(some, shares, dim=1).T for some in torch.split(values, _AT_A_TIME)]
            )
            self.deviation[part] = values.std(dim=1, unbiased=False).clamp_min(1e-6)
            self.shifts[part] = 0.0

    def restart(self) -> None:
        """Put the thresholds back to where `fit` had put them."""
        with torch.no_grad():
            self.shifts.zero_()

    def forward(self, z: Tensor, observed: Tensor) -> Tensor:
        """Return the shares, thresholds of a feature side by side; (batch, streams, parts * features)."""
        batch, streams, time, _ = z.shape
        values = z.permute(0, 1, 3, 2).reshape(batch * streams, self.features, time)
        counted = counted_steps(observed, streams=streams).to(z.dtype)
        return self.shares(values, counted).reshape(batch, streams, self.out_features)

    def shares(self, values: Tensor, counted: Tensor, part: slice = slice(None)) -> Tensor:
        """Return the shares of some features.

        Steps are counted before they are divided by their number, so that equal counts are equal shares to the last
        bit: a probe that standardises features would make a signal of what they differ by.

        Args:
            values: (rows, some features, time).
            counted: 1 at steps that count, else 0, (rows, time, 1).
            part: Which features they are.

        Returns:
            (rows, some features, parts).
        """
        thresholds = self.start[part] + self.deviation[part][:, None] * self.shifts[part]
        n_steps = counted.sum(dim=1, keepdim=True).clamp(min=1.0)  # (rows, 1, 1)
        if self.training:
            width = SOFTNESS * self.deviation[part][:, None]
            counts = [torch.sigmoid((values - thresholds[:, j, None]) / width) @ counted for j in range(self.parts)]
        elif torch.is_grad_enabled():
            counts = [(values > thresholds[:, j, None]).to(values.dtype) @ counted for j in range(self.parts)]
        else:
            above = torch.empty_like(values)  # comparing into floats is four times as fast as into truth values
            counts = [torch.gt(values, thresholds[:, j, None], out=above) @ counted for j in range(self.parts)]
        return torch.cat(counts, dim=-1) / n_steps


def counted_steps(observed: Tensor, *, streams: int) -> Tensor:
    """Return 1 at the observed steps, else 0, (batch * streams, time, 1)."""
    return observed.to(torch.get_default_dtype()).repeat_interleave(streams, dim=0).unsqueeze(-1)
