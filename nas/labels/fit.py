"""Training with labels: optimiser steps, probes on what is held out, the best point kept, an early stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from downstream.windows import Windows
from nas.labels.targets import Supervision
from nas.representer import TOKENS_PER_BATCH
from nas.training.divergence import DivergedError
from nas.training.loop import GRADIENT_NORM_LIMIT

N_PROBES = 20
PATIENCE = 8
WARM_UP_SHARE = 0.1
TRAINING_TOKENS = 1 << 16
FEWEST_WINDOWS = 4


class FitPoint(NamedTuple):
    """One point of a fit's curve; `loss` is the mean training loss since the last point."""

    iteration: int
    errors: tuple[float, ...]
    loss: float | None


@dataclass(frozen=True)
class Fit:
    """How a fit went.

    Args:
        curve: From iteration 0, the model as it came, onwards.
        status: `completed`, `stopped early` (no better point for `PATIENCE` probes) or `diverged`.
        weights: Of the model at its best point, on the CPU.
    """

    curve: tuple[FitPoint, ...]
    status: str
    weights: dict[str, Tensor] = field(repr=False)

    @property
    def best(self) -> FitPoint:
        """The point whose weights were kept, the earliest of equals."""
        return min(self.curve, key=lambda point: point.errors)


def fit(
    model: nn.Module,
    supervision: Supervision,
    *,
    iterations: int,
    learning_rate: float,
    generator: torch.Generator,
    batch_size: int = 32,
    streams: int = 1,
    on_probe: Callable[[FitPoint], None] | None = None,
) -> Fit:
    """Train whatever of a model may change, and leave it with the weights of its best point.

    AdamW with a gradient-norm limit; the learning rate rises over the first tenth of the steps, then falls to zero
    along half a cosine. The model is probed `N_PROBES` times, and before the first step.

    Args:
        model: Maps windows to outputs; on its device already.
        supervision: What it is fitted to, and chosen on.
        iterations: Optimiser steps at most.
        learning_rate: The largest.
        generator: Draws batches, on the model's device.
        batch_size: Windows per step; fewer where they have many streams or steps.
        streams: Streams of a window that the model encodes.
        on_probe: Called with each point of the curve.

    Raises:
        DivergedError: If the model gives outputs that are not finite before the first step.
    """
    device = generator.device
    windows = supervision.fitted
    values, starts = torch.as_tensor(windows.values, device=device), torch.as_tensor(windows.starts, device=device)
    steps = torch.arange(windows.length, device=device)
    batch_size = min(batch_size, max(FEWEST_WINDOWS, TRAINING_TOKENS // (streams * windows.length)))
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda at: learning_rate_share(at, iterations=iterations))

    def step() -> float:
        model.train()
        index = torch.randperm(windows.n, generator=generator, device=device)[:batch_size]
        with parametrize.cached():  # one low-rank product per step, also where a recurrence reads it at every time step
            outputs = model(values[starts[index][:, None] + steps])
        loss = supervision.loss(outputs, index)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DivergedError(f"training loss became {value}")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM_LIMIT)
        optimizer.step()
        schedule.step()
        return value

    curve = _Curve(model, supervision, streams=streams, device=device)
    targets = sorted({round(share * iterations / N_PROBES) for share in range(N_PROBES + 1)})
    status, losses = "completed", []
    for before, target in zip([0, *targets], targets, strict=False):
        try:
            losses = [step() for _ in range(target - before)]
            point = curve.probe(target, losses=losses)
        except DivergedError:
            if not curve.points:
                raise
            status = "diverged"
            break
        if on_probe is not None:
            on_probe(point)
        if curve.probes_without_gain >= PATIENCE:
            status = "stopped early"
            break
    model.load_state_dict(curve.weights)
    return Fit(tuple(curve.points), status, curve.weights)


class _Curve:
    """The curve of a fit so far and the weights at its best point."""

    def __init__(self, model: nn.Module, supervision: Supervision, *, streams: int, device: torch.device) -> None:
        self.points: list[FitPoint] = []
        self.weights: dict[str, Tensor] = {}
        self.probes_without_gain = 0
        self._model, self._supervision = model, supervision
        self._streams, self._device = streams, device

    def probe(self, iteration: int, *, losses: list[float]) -> FitPoint:
        """Measure the errors on what is held out and keep the weights if they are the best so far."""
        outputs = predict(self._model, self._supervision.held_out, streams=self._streams, device=self._device)
        point = FitPoint(iteration, self._supervision.errors(outputs), float(np.mean(losses)) if losses else None)
        is_best = not self.points or point.errors < min(one.errors for one in self.points)
        self.points.append(point)
        self.probes_without_gain = 0 if is_best else self.probes_without_gain + 1
        if is_best:
            self.weights = {name: value.detach().cpu().clone() for name, value in self._model.state_dict().items()}
        return point


def learning_rate_share(step: int, *, iterations: int) -> float:
    """Return the share of the largest learning rate that a step takes, in (0, 1]; steps count from 0."""
    warm_up = max(1, round(WARM_UP_SHARE * iterations))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm_up) / max(iterations - warm_up, 1)))


def predict(model: nn.Module, windows: Windows, *, streams: int, device: torch.device) -> NDArray[np.float32]:
    """Return a model's outputs for all windows, in batches of bounded size.

    Args:
        model: Maps windows to outputs; it is put in evaluation mode for the call.
        windows: The windows.
        streams: Streams of a window that the model encodes.
        device: Where the model is.

    Raises:
        DivergedError: If an output is not finite.
    """
    was_training = model.training
    model.eval()
    size = max(1, TOKENS_PER_BATCH // (windows.length * streams))
    found = []
    with torch.inference_mode(), parametrize.cached():
        for begin in range(0, windows.n, size):
            x = torch.as_tensor(windows.gather(slice(begin, begin + size)), device=device)
            found.append(model(x).float().cpu().numpy())
    model.train(was_training)
    outputs = np.concatenate(found)
    if not np.isfinite(outputs).all():
        raise DivergedError("the model gives outputs that are not finite")
    return np.asarray(outputs)
