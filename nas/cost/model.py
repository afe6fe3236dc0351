"""The cost of one iteration of a genotype, from the counts of its pieces."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch

from downstream.task import Task
from nas.cost.counting import Counts, count_kernels
from nas.cost.encoder_cost import (
    Weights,
    encoder_counts,
    encoder_weights,
    only_readouts,
    read_features,
    readout_traces,
)
from nas.cost.seconds import SHIPPED_SPEED
from nas.cost.strategy_cost import strategy_cost
from nas.training.batches import MAX_TRAINING_STEPS, batch_variates
from nas.training.descent import Descent
from search_space.genotype import Genotype

_AT_ONCE = 64  # windows that are represented together
_STATE_BYTES = 20
"""Per parameter: the weight, its gradient, two moments, and the averaged weight."""
_MOMENT_BYTES = 8
"""Per parameter of each further optimiser."""


@dataclass(frozen=True)
class Cost:
    """What one training iteration takes.

    Args:
        parameters: Trainable numbers of the encoder, exact.
        multiply_adds: Of the forward pass: the encoder on both views of the batch, and the loss.
        activation_bytes: What the forward pass keeps for the backward pass.
        seconds_per_iteration: Predicted, for the machine of `SHIPPED_SPEED`.
        counts: What both passes and the optimisers take, behind the seconds.
        bytes_per_parameter: Of the weight and what training keeps beside it.
    """

    parameters: int
    multiply_adds: int
    activation_bytes: int
    seconds_per_iteration: float
    counts: Counts
    bytes_per_parameter: int = _STATE_BYTES

    @property
    def memory_bytes(self) -> int:
        """Activations, and weights with their gradients, moments and average; what torch itself needs comes on top."""
        return self.activation_bytes + self.bytes_per_parameter * self.parameters


def cost(genotype: Genotype, *, variates: int, steps: int, batch_size: int | None = None) -> Cost:
    """Return what one training iteration of a genotype takes.

    The readout takes no part in training. Windows that an augmentation shortens
    count with their mean length; periods that an operator finds in the data are
    those of noise.

    Args:
        genotype: The candidate.
        variates: Of the windows, >= 1.
        steps: Of a training window, >= 1.
        batch_size: Windows per batch; None for the genotype's own.

    Raises:
        ValueError: If a size is less than 1.
    """
    batch = genotype.train.batch_size if batch_size is None else batch_size
    if min(variates, steps, batch) < 1:
        raise ValueError(f"cost: variates, steps and batch_size must be >= 1, got {variates}, {steps} and {batch}")
    cell = genotype.encoder
    seen = batch_variates(variates, batch_size=batch, independent=cell.channels == "independent")
    strategy = strategy_cost(genotype, batch=batch, variates=seen, steps=steps)
    total, beside, own_steps = strategy.counts, strategy.auxiliary, genotype.loss.own_steps
    if genotype.loss.contrasts:
        windows = batch if strategy.unlike else 2 * batch
        encoded = encoder_counts(cell, windows=windows, variates=seen, steps=steps).of_shorter(strategy.share)
        total = total + (encoded + encoded if strategy.unlike else encoded)
    if strategy.more_windows:
        beside = beside + encoder_counts(cell, windows=batch * strategy.more_windows, variates=seen, steps=steps)
    weights = encoder_weights(cell, variates=variates)
    if own_steps:  # what one step keeps is gone before the other
        kept = max(total.kept_bytes, beside.kept_bytes)
        beside = beside + _update(weights, averaged=False)
        total = replace(total + beside * own_steps, kept_bytes=kept)
    else:
        total = total + beside
    total = total + _update(_with_head(weights, genotype), averaged=genotype.train.weight_averaging)
    return Cost(
        parameters=weights.numbers,
        multiply_adds=round(total.multiply_adds),
        activation_bytes=round(total.kept_bytes),
        seconds_per_iteration=SHIPPED_SPEED.seconds(total),
        counts=total,
        bytes_per_parameter=_STATE_BYTES + _MOMENT_BYTES * bool(own_steps),
    )


def costs_on(task: Task) -> Callable[[Genotype], Cost]:
    """Return the function that tells what one training iteration of a genotype takes on a task."""

    @cache
    def training(window: int) -> tuple[int, int]:
        """Return how many training windows there are, and the steps of a training cut."""
        windows = task.with_window(window).training_windows()
        return len(windows), min(windows.length, task.training_cut or MAX_TRAINING_STEPS)

    def cost_of(genotype: Genotype) -> Cost:
        n_windows, steps = training(genotype.encoder.window)
        batch_size = min(genotype.train.batch_size, max(n_windows, 1))
        return cost(genotype, variates=task.n_variates, steps=steps, batch_size=batch_size)

    return cost_of


def probe_seconds_on(task: Task) -> Callable[[Genotype], float]:
    """Return the function that predicts the seconds in which an untrained encoder represents a window of a task.

    Of many windows at a time; nothing but the encoder and its readouts matters, as there are no views, no loss and no
    gradients.
    """
    length = cache(lambda window: task.with_window(window).training_windows().length)

    def seconds(genotype: Genotype) -> float:
        cell, variates = genotype.encoder, task.n_variates
        steps = min(length(cell.window), MAX_TRAINING_STEPS)  # more would take long to trace
        rows = _AT_ONCE * (variates if cell.channels == "independent" else 1)
        encoded = encoder_counts(cell, windows=_AT_ONCE, variates=variates, steps=steps, training=False)
        read = readout_traces(only_readouts(cell), steps, training=False).at(rows)
        return SHIPPED_SPEED.seconds(encoded + read) / _AT_ONCE

    return seconds


def _with_head(weights: Weights, genotype: Genotype) -> Weights:
    """Return what the optimiser moves: the encoder's weights and those of the map that only the loss sees through."""
    if not genotype.embed.head:
        return weights
    width = read_features(genotype.encoder) if genotype.contrasts_readouts else genotype.encoder.features
    return Weights(weights.numbers + width * genotype.embed.head, weights.tensors + 1)


def _update(weights: Weights, *, averaged: bool) -> Counts:
    """Return the counts of the gradient's norm, the optimiser's step and the averaging."""
    least = _counted_update(10, averaged=averaged)
    per_number = (_counted_update(1010, averaged=averaged) - least) * (1.0 / 1000)
    per_tensor = _counted_update(10, 10, averaged=averaged) - least - per_number * 10.0
    return least + per_tensor * (weights.tensors - 1.0) + per_number * (weights.numbers - 10.0)


@cache
def _counted_update(*sizes: int, averaged: bool) -> Counts:
    """Count an update of tensors of so many numbers."""
    parameters = [torch.zeros(size, requires_grad=True) for size in sizes]
    means = [torch.zeros(size) for size in sizes]
    descent = Descent(parameters, learning_rate=0.001)

    def update() -> None:
        for parameter in parameters:
            parameter.grad = torch.zeros(len(parameter))
        descent.update()
        if averaged:
            with torch.no_grad():
                for mean, parameter in zip(means, parameters, strict=True):
                    mean.lerp_(parameter, 0.5)

    update()  # the first step makes the optimiser's state
    return count_kernels(update)
