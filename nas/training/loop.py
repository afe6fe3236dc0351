"""The training steps of one candidate: contrastive loss, steps of an auxiliary loss between them, weight averaging."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from encoders.encoder import Encoder
from nas.training.batches import BatchSource
from nas.training.descent import Descent
from nas.training.model import ContrastiveModel
from nas.training.state import joined, part_of, random_state, set_random_state


class Trainer:
    """Optimises one model; can be asked for more steps at any time.

    With weight averaging (as TS2Vec does) the encoder handed out is the running mean of the weights over all steps.
    An auxiliary loss that has steps of its own takes them before the others, on the same batch and with an optimiser of
    its own, in which nothing decays: the encoder's weights do so once per iteration.

    Args:
        model: The model, on its device already.
        batches: Source of training batches.
        generator: Source of randomness for batches and views, on the same device.
        precision: `float32` or `bfloat16`.
    """

    def __init__(
        self,
        model: ContrastiveModel,
        *,
        batches: BatchSource,
        generator: torch.Generator,
        precision: str = "float32",
    ) -> None:
        self.model = model
        self._batches = batches
        self._generator = generator
        self._precision = precision
        train = model.genotype.train
        model.strategy.expect_windows(batches.n_windows)
        own = model.strategy.auxiliary
        self._own: Descent | None = None
        moved = list(model.parameters())
        if own is not None and own.own_steps:
            apart = {id(parameter) for parameter in own.parameters()}
            moved = [parameter for parameter in moved if id(parameter) not in apart]
            parameters, rate = [*model.encoder.parameters(), *own.parameters()], own.weight * train.learning_rate
            self._own = Descent(parameters, learning_rate=rate, name="auxiliary loss", decay=False)
        self._descent = Descent(moved, learning_rate=train.learning_rate, name="contrastive loss")
        self._averaged = copy.deepcopy(model.encoder) if train.weight_averaging else None

    def settle(self) -> None:
        """Nothing: every step leaves the encoder as it is meant to be probed."""

    @property
    def learns(self) -> bool:
        """Whether the encoder has anything to learn."""
        return any(parameter.requires_grad for parameter in self.model.encoder.parameters())

    @property
    def final(self) -> bool:
        """Whether further steps change nothing."""
        return not self.learns

    @property
    def iteration(self) -> int:
        """Steps taken so far."""
        return self._descent.iteration

    @property
    def encoder(self) -> Encoder:
        """The encoder to use: averaged weights where the genotype asks for them."""
        return self.model.encoder if self._averaged is None else self._averaged

    def step(self) -> float:
        """Take one optimisation step, behind one of the auxiliary loss where that is due, and return its loss.

        Raises:
            DivergedError: If a loss is not finite.
        """
        self.model.train()
        batch, windows = self._batches.draw_with_places(self._generator)
        if self._own is not None:
            with self._autocast(batch):
                own_loss = self.model.own_loss(batch, generator=self._generator)
            if own_loss is not None:
                self._own.step(own_loss)
        with self._autocast(batch):
            loss = self.model.loss(batch, generator=self._generator, windows=windows)
        value = self._descent.step(loss)
        if self._averaged is not None:
            self._average(self._averaged)
        return value

    def state(self) -> dict[str, Tensor]:
        """Return what further steps depend on."""
        return joined(
            model=self.model.state_dict(),
            averaged={} if self._averaged is None else self._averaged.state_dict(),
            descent=self._descent.state(),
            own={} if self._own is None else self._own.state(),
            random=random_state(self._generator),
        )

    def load_state(self, state: Mapping[str, Tensor], *, iteration: int) -> None:
        """Go on where a trainer of the same candidate stood after so many steps.

        Raises:
            KeyError, RuntimeError, ValueError: If the state is of something else.
        """
        self.model.load_state_dict(part_of(state, "model"))
        if self._averaged is not None:
            self._averaged.load_state_dict(part_of(state, "averaged"))
        self._descent.load_state(part_of(state, "descent"), iteration=iteration)
        if self._own is not None:
            assert self.model.strategy.auxiliary is not None
            taken = self.model.strategy.auxiliary.n_own_steps(iteration)
            self._own.load_state(part_of(state, "own"), iteration=taken)
        self.model.strategy.iteration = iteration
        set_random_state(self._generator, part_of(state, "random"))

    def _autocast(self, batch: Tensor) -> torch.autocast:
        """Encoders run under autocast, and a loss takes its gradient's products so; losses and weights stay float32."""
        return torch.autocast(batch.device.type, dtype=torch.bfloat16, enabled=self._precision == "bfloat16")

    def _average(self, averaged: Encoder) -> None:
        """Move the averaged weights towards the current ones by 1/iteration."""
        with torch.no_grad():
            for mean, now in zip(averaged.parameters(), self.model.encoder.parameters(), strict=True):
                mean.lerp_(now, 1.0 / self.iteration)
            for kept, present in zip(averaged.buffers(), self.model.encoder.buffers(), strict=True):
                kept.copy_(present)
