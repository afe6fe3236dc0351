"""Means of stretches side by side: `patches_4`, `patches_8`, `patches_16`, `patches_32` and `patches_128`."""

import torch
from torch import Tensor

from encoders.readouts._by_feature import FeatureReadout


class PatchesReadout(FeatureReadout):
    """Give, for each feature, its mean over each of `parts` equal stretches of the observed steps, early to late.

    Of n observed steps, numbered from 0, stretch k of m holds those from floor(k n / m) up to, but not including,
    max(floor((k + 1) n / m), floor(k n / m) + 1); every stretch has a step even when n < m.
    """

    def summary(self, values: Tensor, counted: Tensor, part: slice = slice(None)) -> Tensor:
        """Return the means of some features.

        Args:
            values: (rows, some features, time).
            counted: 1 at steps that count, one stretch of them, else 0; (rows, time, 1).
            part: Which features they are; it does not matter.

        Returns:
            (rows, some features, parts).
        """
        number = counted.cumsum(dim=1).long() - 1  # (rows, time, 1)
        n_steps = counted.sum(dim=1, keepdim=True).long()  # (rows, 1, 1)
        k = torch.arange(self.parts, device=counted.device)
        start = k * n_steps // self.parts  # (rows, 1, parts)
        stop = torch.maximum((k + 1) * n_steps // self.parts, start + 1)
        within = ((number >= start) & (number < stop)).to(values.dtype) * counted  # (rows, time, parts)
        return values @ within / (stop - start)
