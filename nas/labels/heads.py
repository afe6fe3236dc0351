"""Linear heads on pooled representations, and encoders that bear one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from encoders.combined import AnyEncoder


class LinearHead(nn.Module):
    """Standardise representations by fixed numbers; what is computed from them is said by the subclasses.

    Args:
        mean: Subtracted from the features.
        deviation: Divides them.
        sizes: What the head was built from besides.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor, **sizes: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.sizes = sizes

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return outputs.

        Args:
            x: Windows; (batch, time, variates).
            z: Their pooled representations; (batch, streams, features).
        """
        raise NotImplementedError(f"{type(self).__name__} must implement forward(x, z)")

    def standardized(self, features: Tensor) -> Tensor:
        """Return standardised features."""
        return (features - self.mean) / self.deviation


class EncoderModel(nn.Module):
    """What makes outputs of windows by way of an encoder: `forward(x)`, x (batch, time, variates)."""

    encoder: AnyEncoder

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return next(self.parameters()).device


class LabelledModel(EncoderModel):
    """An encoder with a head: windows in, class scores or forecasts out.

    The encoder stays in evaluation mode: a head that was solved for may have
    large weights, which would turn the noise of dropout into errors.
    """

    def __init__(self, encoder: AnyEncoder, head: LinearHead) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def train(self, mode: bool = True) -> LabelledModel:
        """Set the mode of the head; the encoder keeps its own."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return the head's outputs for windows, NaN where a value is missing; (batch, time, variates)."""
        outputs: Tensor = self.head(x, self.encoder.represent(x))
        return outputs
