"""The training loop of one candidate: contrastive steps, weight averaging, divergence."""

from __future__ import annotations

import copy
import math

import torch

from encoders.encoder import Encoder
from nas.training.batches import BatchSource
from nas.training.divergence import DivergedError
from nas.training.model import ContrastiveModel

GRADIENT_NORM_LIMIT = 10.0


class Trainer:
    """Optimises one model; can be asked for more steps at any time.

    AdamW with a gradient-norm limit. With weight averaging (as TS2Vec does) the encoder handed out is
    the running mean of the weights over all steps.

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
        self.iteration = 0
        self._batches = batches
        self._generator = generator
        self._precision = precision
        self._optimizer = torch.optim.AdamW(model.parameters(), lr=model.genotype.train.learning_rate)
        self._averaged = copy.deepcopy(model.encoder) if model.genotype.train.weight_averaging else None

    @property
    def encoder(self) -> Encoder:
        """The encoder to use: averaged weights where the genotype asks for them."""
        return self.model.encoder if self._averaged is None else self._averaged

    def step(self) -> float:
        """Take one optimisation step and return its loss.

        Raises:
            DivergedError: If the loss is not finite.
        """
        self.model.train()
        batch = self._batches.draw(self._generator)
        # Encoders run under autocast, and a loss takes its gradient's products so; losses and weights stay float32.
        with torch.autocast(batch.device.type, dtype=torch.bfloat16, enabled=self._precision == "bfloat16"):
            loss = self.model.loss(batch, generator=self._generator)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DivergedError(f"contrastive loss became {value} at iteration {self.iteration + 1}")
        if loss.requires_grad:
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM_LIMIT)
            self._optimizer.step()
        self.iteration += 1
        if self._averaged is not None:
            self._average()
        return value

    def _average(self) -> None:
        """Move the averaged weights towards the current ones by 1/iteration."""
        assert self._averaged is not None
        with torch.no_grad():
            for mean, now in zip(self._averaged.parameters(), self.model.encoder.parameters(), strict=True):
                mean.lerp_(now, 1.0 / self.iteration)
            for kept, present in zip(self._averaged.buffers(), self.model.encoder.buffers(), strict=True):
                kept.copy_(present)
