"""Readouts that summarise every feature by itself, so that they can be given any part of the features."""

from typing import ClassVar

import torch
from torch import Tensor

from encoders.readouts._readout import Readout


class FeatureReadout(Readout):
    """A summary of each feature, or of each fixed group of features, that knows nothing of the others.

    So a bank of kernels that is all of an encoder is read out dilation by dilation, and the latent of all features
    never exists. What a feature gives stands side by side.
    """

    group: ClassVar[int] = 1
    """How many consecutive features belong together."""

    def takes(self, part: slice) -> bool:
        """Return whether these features can be summarised without the others.

        Args:
            part: Which they are; both ends are numbers.
        """
        return not part.start % self.group and (part.stop == self.features or not part.stop % self.group)

    def forward(self, z: Tensor, observed: Tensor) -> Tensor:
        """Return the summaries, those of a feature side by side; (batch, streams, out_features)."""
        batch, streams, time, _ = z.shape
        values = z.permute(0, 1, 3, 2).reshape(batch * streams, self.features, time)
        counted = counted_steps(observed, streams=streams).to(z.dtype)
        return self.whole(values, counted).reshape(batch, streams, self.out_features)

    def whole(self, values: Tensor, counted: Tensor) -> Tensor:
        """Return the summaries of all features, those of a feature side by side; (rows, out_features)."""
        return self.summary(values, counted).flatten(1)

    def summary(self, values: Tensor, counted: Tensor, part: slice = slice(None)) -> Tensor:
        """Return the summaries of some features.

        Args:
            values: (rows, some features, time).
            counted: 1 at steps that count, one stretch of them, else 0; (rows, time, 1).
            part: Which features they are, such that `takes` says yes.

        Returns:
            (rows, some features, parts).
        """
        raise NotImplementedError(f"{type(self).__name__} must implement summary(values, counted, part)")


def counted_steps(observed: Tensor, *, streams: int) -> Tensor:
    """Return 1 at the observed steps, else 0, (batch * streams, time, 1)."""
    return observed.to(torch.get_default_dtype()).repeat_interleave(streams, dim=0).unsqueeze(-1)


def number_of(counted: Tensor) -> Tensor:
    """Return how many steps count, at least 1, (rows, 1, 1), of `counted` (rows, time, 1)."""
    return counted.sum(dim=1, keepdim=True).clamp(min=1.0)
