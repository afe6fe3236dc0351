"""Limits on what a candidate may cost: those beyond them are not trained."""

from __future__ import annotations

from dataclasses import dataclass

from downstream.task import Task
from nas.cost import cost
from nas.cost.encoder_cost import encoder_weights
from nas.training.batches import MAX_TRAINING_STEPS
from search_space.genotype import Genotype


@dataclass(frozen=True)
class Limits:
    """What a candidate may cost on one task; None is no limit.

    Args:
        variates: Of the task's windows.
        steps: Of a training window.
        n_windows: Training windows; a batch has no more.
        parameters: Most trainable numbers of the encoder.
        multiply_adds: Most of the forward pass of an iteration.
        memory: Most bytes of an iteration.
        seconds: Most predicted seconds of an iteration.
    """

    variates: int
    steps: int
    n_windows: int
    parameters: int | None = None
    multiply_adds: float | None = None
    memory: int | None = None
    seconds: float | None = None

    def accept(self, genotype: Genotype) -> bool:
        """Return whether a candidate keeps within all limits."""
        # parameters first: they are known without tracing anything
        n_parameters = encoder_weights(genotype.encoder, variates=self.variates).numbers
        if self.parameters is not None and n_parameters > self.parameters:
            return False
        if self.multiply_adds is None and self.memory is None and self.seconds is None:
            return True
        batch = min(genotype.train.batch_size, self.n_windows)
        found = cost(genotype, variates=self.variates, steps=self.steps, batch_size=batch)
        values = (found.multiply_adds, found.memory_bytes, found.seconds_per_iteration)
        limits = (self.multiply_adds, self.memory, self.seconds)
        return all(limit is None or value <= limit for value, limit in zip(values, limits, strict=True))

    @classmethod
    def of(
        cls,
        task: Task,
        *,
        parameters: int | None = None,
        multiply_adds: float | None = None,
        memory: int | None = None,
        seconds: float | None = None,
    ) -> Limits | None:
        """Return limits for a task, None if there are none.

        Seconds are those of the shipped speed, not of this machine: a search that
        goes on after an interruption must choose the same candidates again.
        """
        if parameters is None and multiply_adds is None and memory is None and seconds is None:
            return None
        windows = task.training_windows()
        return cls(
            variates=task.n_variates,
            steps=min(windows.length, task.training_cut or MAX_TRAINING_STEPS),
            n_windows=len(windows),
            parameters=parameters,
            multiply_adds=multiply_adds,
            memory=memory,
            seconds=seconds,
        )
