"""Four statistics of each feature."""

from typing import ClassVar

import torch
from torch import Tensor

from encoders.readouts._by_feature import FeatureReadout, number_of
from search_space.registry import register

_VARIANCE_FLOOR = 1e-5


@register("readout", "statistics", source="ROCKET, arXiv:1910.13051, section 3.2 (maximum, share), with two moments")
class StatisticsReadout(FeatureReadout):
    """Give maximum, mean, standard deviation and the share of positive values over the observed steps."""

    parts: ClassVar[int] = 4
    compares: ClassVar[bool] = True

    def summary(self, values: Tensor, counted: Tensor, part: slice = slice(None)) -> Tensor:
        """Return the four statistics of some features.

        Args:
            values: (rows, some features, time).
            counted: 1 at steps that count, else 0; (rows, time, 1).
            part: Which features they are; it does not matter.

        Returns:
            Maximum, mean, standard deviation and share, (rows, some features, 4).
        """
        n_steps, some = number_of(counted), counted.amax(dim=1, keepdim=True)
        outside = counted.transpose(1, 2) == 0
        highest = values.masked_fill(outside, float("-inf")).amax(dim=2, keepdim=True)
        mean = values @ counted / n_steps
        variance = (values - mean).square() @ counted / n_steps
        share = (values > 0).to(values.dtype) @ counted / n_steps
        deviation = (variance + _VARIANCE_FLOOR).sqrt() * some
        return torch.cat([highest.masked_fill(some == 0, 0.0), mean, deviation, share], dim=-1)
