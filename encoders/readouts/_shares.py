"""Shares of steps above thresholds: `shares_1`, `shares_4` and `shares_8`."""

import torch
from torch import Tensor

from encoders.readouts._by_feature import number_of
from encoders.readouts._thresholds import SOFTNESS, ThresholdReadout


class SharesReadout(ThresholdReadout):
    """Give, for each feature, the share of the observed steps that lie above each of its thresholds."""

    def summary(self, values: Tensor, counted: Tensor, part: slice = slice(None)) -> Tensor:
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
        thresholds = self.thresholds(part)
        if self.training:
            width = SOFTNESS * self.deviation[part][:, None]
            counts = [torch.sigmoid((values - thresholds[:, j, None]) / width) @ counted for j in range(self.parts)]
        elif torch.is_grad_enabled():
            counts = [(values > thresholds[:, j, None]).to(values.dtype) @ counted for j in range(self.parts)]
        else:
            above = torch.empty_like(values)  # comparing into floats is four times as fast as into truth values
            counts = [torch.gt(values, thresholds[:, j, None], out=above) @ counted for j in range(self.parts)]
        return torch.cat(counts, dim=-1) / number_of(counted)
