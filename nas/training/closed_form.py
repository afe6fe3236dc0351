"""Training without descent: what views of windows differ by is collected, and the best embedding computed from it."""

from collections.abc import Mapping

import torch
from torch import Tensor

from contrastive.closed_form import whitening_map
from downstream.windows import Windows
from encoders.embedding import Embedding
from encoders.encoder import Encoder
from nas.training.batches import BatchSource
from nas.training.divergence import DivergedError
from nas.training.model import ContrastiveModel
from nas.training.state import joined, part_of, random_state, set_random_state

MOST_ROWS = 512
"""Streams of windows, and differences between their views, that an embedding is computed from; about so many."""
_AT_A_TIME = 64  # windows


class ClosedFormTrainer:
    """Stands in for `Trainer` where a genotype has a closed form: a step draws a batch of views, nothing descends.

    The encoder stays as it was drawn and fitted; its embedding is computed by `settle` from training windows and all
    differences so far. A map of `MOST_ROWS` differences is final: further steps draw nothing.

    Args:
        model: The model, on its device already, its encoder fitted.
        windows: The training windows.
        batches: Source of training batches.
        generator: Source of randomness for batches and views, on the same device.
    """

    learns = True

    def __init__(
        self, model: ContrastiveModel, *, windows: Windows, batches: BatchSource, generator: torch.Generator
    ) -> None:
        self.model = model
        self.iteration = 0
        self._batches, self._generator = batches, generator
        assert model.encoder.embedding is not None, "a closed form needs an embedding"
        self._embedding: Embedding = model.encoder.embedding
        most = max(1, MOST_ROWS // model.encoder.streams)
        thinned = windows.subset(slice(None, None, max(1, -(-len(windows) // most))))
        pieces = [slice(begin, begin + _AT_A_TIME) for begin in range(0, len(thinned), _AT_A_TIME)]
        rows = [self._read(torch.as_tensor(thinned.gather(piece), device=generator.device)) for piece in pieces]
        self._rows = torch.cat(rows)
        self._embedding.standardize.fit(self._rows)
        self._differences = self._rows[:0]
        self._settled = False

    @property
    def final(self) -> bool:
        """Whether further steps change nothing: there are all the differences that a map is computed from."""
        return len(self._differences) >= MOST_ROWS

    @property
    def encoder(self) -> Encoder:
        """The encoder; `settle` brings its embedding up to date."""
        return self.model.encoder

    def step(self) -> float:
        """Draw two views of a batch and return their mean squared distance in standardised features.

        Raises:
            DivergedError: If it is not finite.
        """
        self.iteration += 1
        if not self.final:
            views = self.model.strategy.views(self._batches.draw(self._generator), generator=self._generator)
            first, second = (self._embedding.standardize(self._read(view.values)) for view in views)
            self._differences = torch.cat([self._differences, first - second])
            self._settled = False
        distance = float(self._differences.square().sum(dim=1).mean())
        if not distance < float("inf"):
            raise DivergedError(f"contrastive loss became {distance} at iteration {self.iteration}")
        return distance

    def settle(self) -> None:
        """Put the best embedding in place; before the first step, the principal directions of the windows."""
        if self._settled:
            return
        cell, loss = self.model.genotype.encoder, self.model.genotype.loss.loss
        with torch.no_grad():
            found = whitening_map(
                self._embedding.standardize(self._rows),
                self._differences,
                width=cell.embedding,
                strength=loss.params["strength"],
            )
            self._embedding.map.weight.copy_(found)
        self._settled = True

    def state(self) -> dict[str, Tensor]:
        """Return what further steps depend on; all else follows from the candidate, the data and the rng_seed."""
        return joined(differences={"all": self._differences}, random=random_state(self._generator))

    def load_state(self, state: Mapping[str, Tensor], *, iteration: int) -> None:
        """Go on where a trainer of the same candidate, data and rng_seed stood after so many steps.

        Raises:
            KeyError, RuntimeError, ValueError: If the state is of something else.
        """
        self._differences = part_of(state, "differences")["all"].to(self._generator.device)
        self.iteration, self._settled = iteration, False
        set_random_state(self._generator, part_of(state, "random"))

    def _read(self, x: Tensor) -> Tensor:
        """Return what the readout gives of windows, a row per stream, (batch * streams, features)."""
        self.model.eval()
        with torch.no_grad():
            return self.model.encoder.read(x).flatten(0, 1)
