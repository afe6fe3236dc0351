"""Training that is probed along the way: the curve of its scores, and the weights at the best or at the last point."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor, nn


class CurvePoint(NamedTuple):
    """One point of a curve.

    Attributes:
        iteration: Steps taken so far.
        scores: What a probe gave; points are compared by them in this order.
        loss: Mean training loss since the last point; None where no step was taken.
    """

    iteration: int
    scores: tuple[float, ...]
    loss: float | None

    @property
    def score(self) -> float:
        """The score that counts; others decide between equals."""
        return self.scores[0]


@dataclass(frozen=True)
class Training:
    """How a training went.

    Args:
        curve: From iteration 0, the model as it came, onwards; empty where that gave nothing finite.
        status: `completed`, `diverged`, `timeout`, or `stopped early` (no better point for as many probes as there
            was patience).
        message: What was not finite, where it diverged.
        weights: Of the model at the best point, or at the last one where that was asked for, on the CPU.
        higher_is_better: Direction of the scores.
    """

    curve: tuple[CurvePoint, ...]
    status: str
    message: str
    weights: dict[str, Tensor] = field(repr=False)
    higher_is_better: bool = False

    @property
    def best(self) -> CurvePoint:
        """The best point."""
        return best_point(self.curve, higher_is_better=self.higher_is_better)


def best_point(curve: Sequence[CurvePoint], *, higher_is_better: bool) -> CurvePoint:
    """Return the best point of a curve, the earliest of equals."""
    choose = max if higher_is_better else min
    return choose(curve, key=lambda point: point.scores)


def train(
    step: Callable[[], float],
    probe: Callable[[], tuple[float, ...]],
    *,
    model: nn.Module,
    probe_at: Sequence[int],
    higher_is_better: bool = False,
    patience: float = math.inf,
    ends: float = math.inf,
    on_probe: Callable[[CurvePoint], None] | None = None,
    before: Sequence[CurvePoint] = (),
    keep_last: bool = False,
) -> Training:
    """Take steps, probe in between, and copy the model's weights whenever they are the best so far.

    Args:
        step: Takes an optimiser step and returns the loss.
        probe: Returns the scores of the model as it is.
        model: What is probed.
        probe_at: Iterations after which it is probed, ascending; the last one ends the training.
        higher_is_better: Direction of the scores.
        patience: Probes without a better point after which training stops.
        ends: When training stops, as `time.perf_counter()` tells it.
        on_probe: Called with each new point of the curve.
        before: The curve so far of a training that goes on; it is the beginning of the new one.
        keep_last: Keep the weights of the last point instead of the best one.
    """
    curve, weights = list(before), dict[str, Tensor]()
    iteration = curve[-1].iteration if curve else -1
    targets = [target for target in probe_at if target > iteration]
    status, message, iteration, best = "completed", "", max(iteration, 0), 0
    for target in targets:
        losses = []
        try:
            while iteration < target and status == "completed":
                losses.append(step())
                iteration += 1
                if iteration < probe_at[-1] and time.perf_counter() > ends:
                    status = "timeout"
            curve.append(CurvePoint(iteration, probe(), sum(losses) / len(losses) if losses else None))
        except FloatingPointError as error:  # of a loss (DivergedError) or found by a probe
            status, message = "diverged", str(error)
            break
        best = curve.index(best_point(curve, higher_is_better=higher_is_better))
        if keep_last or best == len(curve) - 1:
            weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
        if on_probe is not None:
            on_probe(curve[-1])
        if status == "completed" and len(curve) - 1 - best >= patience:
            status = "stopped early"
        if status != "completed":
            break
    return Training(tuple(curve), status, message, weights, higher_is_better)
