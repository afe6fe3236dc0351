"""One candidate as a trainable model: an encoder and the strategy that teaches it."""

import torch
from torch import Tensor, nn

from contrastive.strategy import Strategy
from encoders.encoder import Encoder
from search_space.genotype import Genotype


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
        self.strategy = Strategy(genotype, features=self.encoder.features, width=width)

    def loss(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """Return the loss of a batch of windows: the contrastive one, plus the auxiliary one where there is one.

        Args:
            x: Windows, NaN where missing, shape (batch, time, variates).
            generator: Source of all randomness of the views, on the device of `x`.

        Returns:
            The loss, a scalar.
        """
        loss: Tensor = self.strategy.loss(x, self.encoder, generator=generator)
        return loss

    @property
    def n_parameters(self) -> int:
        """Number of trainable numbers of the encoder."""
        return sum(parameter.numel() for parameter in self.encoder.parameters())
