"""One candidate as a trainable model: an encoder and the strategy that teaches it."""

import torch
from torch import Tensor, nn

from contrastive.strategy import Strategy
from encoders.encoder import Encoder
from search_space.genotype import Genotype

HEAD_FEATURES = 128
"""Width of what the loss compares where it sees the readout; the map to it is thrown away after training."""


class ContrastiveModel(nn.Module):
    """The encoder and the contrastive strategy of one genotype.

    Args:
        genotype: The candidate.
        variates: Number of variates of the windows.
    """

    def __init__(self, genotype: Genotype, *, variates: int) -> None:
        super().__init__()
        self.genotype = genotype
        self.encoder = Encoder(genotype.encoder, variates=variates)
        width = variates // self.encoder.streams
        self._head = self._head_for_the_loss()
        features = self.encoder.features if self._head is None else self._head.out_features
        self.strategy = Strategy(genotype, features=features, width=width, whole_windows=self._head is not None)

    def loss(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """Return the loss of a batch of windows: the contrastive one, plus the auxiliary one where there is one.

        Args:
            x: Windows, NaN where missing, shape (batch, time, variates).
            generator: Source of all randomness of the views, on the device of `x`.

        Returns:
            The loss, a scalar.
        """
        encode = self.encoder if self._head is None else self._encode_windows
        loss: Tensor = self.strategy.loss(x, encode, generator=generator)
        return loss

    def _head_for_the_loss(self) -> nn.Linear | None:
        """Return the map through which the loss sees what a fitted readout gives; None where it sees every step."""
        pair = self.genotype.pair
        if (
            not self.encoder.readout.fitted
            or pair.kinds != ("instance",)
            or pair.kernel
            or self.genotype.loss.auxiliary
        ):
            return None
        return nn.Linear(self.encoder.representation_features, HEAD_FEATURES, bias=False)

    def _encode_windows(self, x: Tensor) -> Tensor:
        """Return one row per stream, as if a window had one step: (batch, streams, 1, features)."""
        assert self._head is not None, "only a model with a head contrasts whole windows"
        rows: Tensor = self._head(self.encoder.represent(x))
        return rows.unsqueeze(2)

    @property
    def n_parameters(self) -> int:
        """Number of trainable numbers of the encoder."""
        return sum(parameter.numel() for parameter in self.encoder.parameters())
