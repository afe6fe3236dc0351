"""Training with labels: batches, a learning rate that rises and falls, probes on what is held out, an early stop."""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import parametrize

from downstream.windows import Windows
from nas.labels.heads import EncoderModel
from nas.labels.supervision import Supervision
from nas.representer import TOKENS_PER_BATCH, in_batches, tokens_of
from nas.training.curve import CurvePoint, Training, train
from nas.training.descent import Descent
from nas.training.divergence import DivergedError

N_PROBES = 20
PATIENCE = 8
BATCH_SIZE = 32
"""Windows per step; fewer where they have many streams or steps."""
WARM_UP_SHARE = 0.1
TRAINING_TOKENS = 1 << 16
FEWEST_WINDOWS = 4


def fit(
    model: EncoderModel,
    supervision: Supervision,
    *,
    iterations: int,
    learning_rate: float,
    generator: torch.Generator,
    penalty: Callable[[], Tensor] | None = None,
    on_probe: Callable[[CurvePoint], None] | None = None,
) -> Training:
    """Train whatever of a model may change, and leave it with the weights of its best point.

    The learning rate rises over the first tenth of the steps, then falls to zero along half a cosine. The model is
    probed `N_PROBES` times, and before the first step; the scores of its curve are `Supervision.errors`.

    Args:
        model: On its device already.
        supervision: What it is fitted to, and chosen on.
        iterations: Optimiser steps at most; fewer where `PATIENCE` probes bring no better point.
        learning_rate: The largest.
        generator: Draws batches, on the model's device.
        penalty: Added to the loss of every step, after the model's outputs are there; a scalar.
        on_probe: Called with each point of the curve.

    Raises:
        DivergedError: If the model gives outputs that are not finite before the first step.
    """
    device = generator.device
    windows = supervision.fitted
    values, starts = torch.as_tensor(windows.values, device=device), torch.as_tensor(windows.starts, device=device)
    steps = torch.arange(windows.length, device=device)
    batch_size = min(BATCH_SIZE, max(FEWEST_WINDOWS, TRAINING_TOKENS // tokens_of(model.encoder, steps=windows.length)))
    descent = Descent(
        model.parameters(),
        learning_rate=learning_rate,
        schedule=lambda at: learning_rate_share(at, iterations=iterations),
    )

    def step() -> float:
        model.train()
        index = torch.randperm(windows.n, generator=generator, device=device)[:batch_size]
        with parametrize.cached():  # one low-rank product per step, also where a recurrence reads it at every time step
            outputs = model(values[starts[index][:, None] + steps])
        loss = supervision.loss(outputs, index)
        return descent.step(loss if penalty is None else loss + penalty())

    training = train(
        step,
        lambda: supervision.errors(predict(model, supervision.held_out)),
        model=model,
        probe_at=sorted({round(part * iterations / N_PROBES) for part in range(N_PROBES + 1)}),
        patience=PATIENCE,
        on_probe=on_probe,
    )
    if not training.curve:
        raise DivergedError(training.message)
    model.load_state_dict(training.weights)
    return training


def learning_rate_share(step: int, *, iterations: int) -> float:
    """Return the share of the largest learning rate that a step takes, in (0, 1]; steps count from 0."""
    warm_up = max(1, round(WARM_UP_SHARE * iterations))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm_up) / max(iterations - warm_up, 1)))


def predict(model: EncoderModel, windows: Windows) -> NDArray[np.float32]:
    """Return a model's outputs for windows, at least one, in batches of bounded size.

    Raises:
        DivergedError: If an output is not finite.
    """
    size = max(1, TOKENS_PER_BATCH // tokens_of(model.encoder, steps=windows.length))
    with parametrize.cached():
        outputs = in_batches(model, model, windows, size=size, device=model.device)
    if not np.isfinite(outputs).all():
        raise DivergedError("the model gives outputs that are not finite")
    return outputs
