"""Optimiser steps: a limit on the gradient, a schedule, and losses that are not finite."""

from __future__ import annotations

import pytest
import torch

from nas.training.descent import GRADIENT_NORM_LIMIT, Descent
from nas.training.divergence import DivergedError


def test_the_gradient_is_cut_to_its_limit_and_frozen_parameters_stay() -> None:
    free, frozen = torch.ones(4, requires_grad=True), torch.ones(4)
    descent = Descent([free, frozen], learning_rate=0.1)
    assert descent.step((1e6 * free * frozen).sum()) == 4e6
    assert free.grad is not None and float(free.grad.norm()) == pytest.approx(GRADIENT_NORM_LIMIT)
    assert bool((free < 1).all()) and bool((frozen == 1).all())


def test_the_schedule_scales_the_steps() -> None:
    weight = torch.zeros((), requires_grad=True)
    descent = Descent([weight], learning_rate=0.1, schedule=lambda step: (1.0, 0.5, 0.0)[step])
    places = []
    for _ in range(3):
        descent.step(weight * 1.0)
        places.append(float(weight.detach()))
    # Adam moves by the learning rate where the gradient stays the same, and decays the weight a little
    assert places == pytest.approx([-0.1, -0.15, -0.15], rel=1e-3) and descent.iteration == 3


def test_a_loss_without_gradient_is_a_step_that_changes_nothing() -> None:
    weight = torch.ones((), requires_grad=True)
    descent = Descent([weight], learning_rate=0.1)
    assert descent.step(torch.tensor(2.0)) == 2.0 and descent.iteration == 1 and float(weight.detach()) == 1.0


def test_a_loss_that_is_not_finite_is_refused_by_name() -> None:
    weight = torch.ones((), requires_grad=True)
    descent = Descent([weight], learning_rate=0.1, name="contrastive loss")
    descent.step(weight.clone())
    with pytest.raises(DivergedError, match="contrastive loss became inf at iteration 2"):
        descent.step(weight * float("inf"))
