"""Thresholds that are fitted to the task: what `shares_*` and `multirocket_*` share."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from encoders.readouts._by_feature import FeatureReadout

SOFTNESS = 0.1
"""Width of the threshold in training, in deviations of the feature."""
_MOST_VALUES = 16_384  # of a feature, to find its quantiles


class ThresholdReadout(FeatureReadout):
    """Compare each feature with thresholds of its own.

    `fit` puts them at even quantiles of what the training windows give. Exact in evaluation; in training a logistic
    function a tenth of a deviation wide stands for each threshold, so that the thresholds learn as well.
    """

    fitted: ClassVar[bool] = True
    compares: ClassVar[bool] = True
    per_threshold: ClassVar[int] = 1
    """How many numbers of a summary each threshold gives."""
    start: Tensor
    deviation: Tensor

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.n_thresholds = self.parts // self.per_threshold
        self.shifts = nn.Parameter(torch.zeros(features, self.n_thresholds))  # in deviations of the feature
        self.register_buffer("start", torch.zeros(features, self.n_thresholds))
        self.register_buffer("deviation", torch.ones(features))

    def fit(self, values: Tensor, part: slice = slice(None)) -> None:
        """Set the thresholds of some features.

        Args:
            values: What these features are at observed steps, (some features, steps).
            part: Which they are.
        """
        values = values[:, :: max(1, -(-values.shape[1] // _MOST_VALUES))]
        n = self.n_thresholds
        shares = torch.arange(1, n + 1, device=values.device, dtype=values.dtype) / (n + 1)
        with torch.no_grad():
            self.start[part] = _quantiles(values, shares)
            self.deviation[part] = values.std(dim=1, unbiased=False).clamp_min(1e-6)
            self.shifts[part] = 0.0

    def restart(self) -> None:
        """Put the thresholds back to where `fit` had put them."""
        with torch.no_grad():
            self.shifts.zero_()

    def thresholds(self, part: slice = slice(None)) -> Tensor:
        """Return where the thresholds of some features are now, (some features, n_thresholds)."""
        return self.start[part] + self.deviation[part][:, None] * self.shifts[part]


def _quantiles(values: Tensor, shares: Tensor) -> Tensor:
    """Return quantiles of each row as `torch.quantile` has them, (rows, shares).

    NumPy sorts nine times as fast as torch does on a CPU, and no number of values is too large.
    """
    on_cpu = values.device.type == "cpu"
    ordered = torch.from_numpy(np.sort(values.numpy(), axis=1)) if on_cpu else values.sort(dim=1).values
    ranks = shares * (values.shape[1] - 1)
    below = ranks.floor()
    return torch.lerp(ordered[:, below.long()], ordered[:, ranks.ceil().long()], ranks - below)
