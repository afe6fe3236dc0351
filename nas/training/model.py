"""One candidate as a trainable model: an encoder and the strategy that teaches it."""

import torch
from torch import Tensor, nn

from contrastive.strategy import Strategy
from encoders.embedding import Standardization
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
        whole = genotype.contrasts_readouts
        features = self.encoder.representation_features if whole else self.encoder.features
        self.strategy = Strategy(genotype, features=features, width=width, whole_windows=whole)
        # shares lie far from 0 and close together: to a loss on directions they would all look alike
        self._standardize = Standardization(features) if whole and self.encoder.embedding is None else nn.Identity()

    def fit(self, x: Tensor) -> None:
        """Fit what is fitted once, before training (`Encoder.fit`).

        Args:
            x: Training windows, NaN where missing, shape (batch, time, variates).
        """
        self.encoder.fit(x)
        if isinstance(self._standardize, Standardization):
            self.encoder.eval()
            with torch.no_grad():
                self._standardize.fit(self.encoder.represent(x).flatten(0, 1))

    def loss(self, x: Tensor, *, generator: torch.Generator, windows: Tensor | None = None) -> Tensor:
        """Return the loss of a batch of windows: the contrastive one, plus the auxiliary one where one is added.

        Args:
            x: Windows, NaN where missing, shape (batch, time, variates).
            generator: Source of all randomness of the views, on the device of `x`.
            windows: Place of every window among the training windows, shape (batch,).

        Returns:
            The loss, a scalar.
        """
        encode = self._encode_windows if self.genotype.contrasts_readouts else self.encoder
        loss: Tensor = self.strategy.loss(x, encode, generator=generator, windows=windows)
        return loss

    def own_loss(self, x: Tensor, *, generator: torch.Generator) -> Tensor | None:
        """Return the auxiliary loss where it has a step of its own before the next call of `loss`, else None.

        Args:
            x: Windows, as of `loss`.
            generator: Source of its randomness, on the device of `x`.
        """
        return self.strategy.own_loss(x, self.encoder, generator=generator)

    def _encode_windows(self, x: Tensor) -> Tensor:
        """Return one row per stream, as if a window had one step: (batch, streams, 1, features)."""
        rows: Tensor = self._standardize(self.encoder.represent(x))
        return rows.unsqueeze(2)

    @property
    def n_parameters(self) -> int:
        """Number of trainable numbers of the encoder."""
        return sum(parameter.numel() for parameter in self.encoder.parameters())
