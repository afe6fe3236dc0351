"""Probed training: when it probes and ends, and whose weights are kept."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
import torch
from torch import nn

from nas.training.curve import CurvePoint, Training, best_point, train


class Counter(nn.Module):
    """Its only weight counts the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.Parameter(torch.zeros(()), requires_grad=False)

    def step(self) -> float:
        self.steps += 1
        return float(self.steps)


def trained(scores: Sequence[float], *, probe_at: Sequence[int] = (0, 1, 2, 4), **settings: object) -> Training:
    model, given = Counter(), iter(scores)

    def probe() -> tuple[float, ...]:
        score = next(given)
        if score != score:
            raise FloatingPointError("not finite")
        return (score,)

    return train(model.step, probe, model=model, probe_at=probe_at, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(("higher_is_better", "kept"), [(True, 1), (False, 2)])
def test_the_weights_of_the_best_point_are_kept_the_earliest_of_equals(higher_is_better: bool, kept: int) -> None:
    training = trained([2.0, 3.0, 1.0, 3.0 if higher_is_better else 1.0], higher_is_better=higher_is_better)
    assert [point.iteration for point in training.curve] == [0, 1, 2, 4] and training.status == "completed"
    assert training.best.iteration == kept and float(training.weights["steps"]) == kept
    assert [point.loss for point in training.curve] == [None, 1.0, 2.0, 3.5]  # means since the last point


def test_later_scores_decide_between_equals() -> None:
    curve = [CurvePoint(0, (1.0, 5.0), None), CurvePoint(1, (1.0, 4.0), 0.1)]
    assert best_point(curve, higher_is_better=False).iteration == 1
    assert best_point(curve, higher_is_better=True).iteration == 0


def test_patience_is_counted_from_the_best_point() -> None:
    training = trained([3.0, 1.0, 2.0, 2.0, 0.0], probe_at=range(5), patience=2)
    assert training.status == "stopped early" and [point.score for point in training.curve] == [3.0, 1.0, 2.0, 2.0]


def test_time_ends_with_a_last_probe() -> None:
    training = trained([3.0, 1.0, 2.0], ends=time.perf_counter())
    assert training.status == "timeout" and [point.iteration for point in training.curve] == [0, 1]


def test_what_is_not_finite_ends_it_and_is_told() -> None:
    training = trained([3.0, float("nan")])
    assert (training.status, training.message, len(training.curve)) == ("diverged", "not finite", 1)
    assert not trained([float("nan")]).curve
