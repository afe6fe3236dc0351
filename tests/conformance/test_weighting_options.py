"""Every registered weighting of anchors keeps the promises of its kind, by being registered."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from contrastive.weightings._base import Rows
from search_space import registry

WEIGHTINGS = sorted(registry.options("weighting"))
ITERATIONS = (0, 1, 30, 10**6)
COUNTS = torch.tensor([True, False, True, True, False, True, True])


def both_extremes(name: str) -> list[Any]:
    choices = registry.get("weighting", name).choices
    return [
        registry.build("weighting", name, **{key: extreme(values) for key, values in choices.items()})
        for extreme in (min, max)
    ]


def losses(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(rng_seed)).exp()


@pytest.mark.parametrize("name", WEIGHTINGS)
@pytest.mark.parametrize("iteration", ITERATIONS)
def test_weights_have_mean_one_over_the_anchors_that_count(name: str, iteration: int) -> None:
    for weighting in both_extremes(name):
        for scale, shift in ((1.0, 0.0), (1e6, 0.0), (1e-3, 0.0), (1.0, -3.0)):
            given = (scale * losses(5, 7) + shift).requires_grad_(True)
            kept = given.detach().clone()
            weights = weighting(given, counts=COUNTS, iteration=iteration)
            assert weights.shape == (5, 7) and not weights.requires_grad
            assert torch.equal(given.detach(), kept)
            assert (weights >= 0).all() and (weights[:, ~COUNTS] == 0).all()
            assert float(weights[:, COUNTS].mean()) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("name", WEIGHTINGS)
@pytest.mark.parametrize("iteration", ITERATIONS)
def test_equal_losses_and_a_single_anchor_weigh_one(name: str, iteration: int) -> None:
    for weighting in both_extremes(name):
        for level in (0.0, 4.2, -1.0):
            equal = torch.full((3, 7), level)
            equal[0] += 1e-7  # rounding is no difference
            weights = weighting(equal, counts=COUNTS, iteration=iteration)
            torch.testing.assert_close(weights[:, COUNTS], torch.ones(3, 5), atol=0.05, rtol=0)
        alone = weighting(torch.tensor([[2.0]]), counts=torch.tensor([True]), iteration=iteration)
        assert alone.item() == 1.0


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_an_anchor_that_does_not_count_has_no_say(name: str) -> None:
    for weighting in both_extremes(name):
        given, other = losses(5, 7), losses(5, 7)
        other[:, ~COUNTS] = 1e3
        assert torch.equal(weighting(given, counts=COUNTS, iteration=3), weighting(other, counts=COUNTS, iteration=3))
        assert not weighting(given, counts=torch.zeros(7, dtype=torch.bool), iteration=3).any()


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_weights_move_with_their_anchors(name: str) -> None:
    order = torch.tensor([3, 0, 6, 1, 2, 5, 4])
    for weighting in both_extremes(name):
        given = losses(5, 7)
        weights = weighting(given, counts=COUNTS, iteration=7)
        moved = weighting(given[:, order], counts=COUNTS[order], iteration=7)
        torch.testing.assert_close(moved, weights[:, order])


@pytest.mark.parametrize("name", WEIGHTINGS)
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_weighted_losses_show_values_that_are_not_finite(name: str, bad: float) -> None:
    for weighting in both_extremes(name):
        given = losses(5, 7)
        given[2, 3] = bad
        assert not torch.isfinite((given * weighting(given, counts=COUNTS, iteration=0)).sum())


def known_rows(rng_seed: int = 0) -> Rows:
    """Rows of three windows of two streams."""
    z = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(rng_seed))
    return Rows(z, torch.tensor([0, 1] * 3), torch.tensor([7, 7, 2, 2, 5, 5]), 9)


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_weights_of_known_windows_keep_the_promises(name: str) -> None:
    instances = torch.arange(6).unsqueeze(1)
    for weighting in both_extremes(name):
        weighting.expect_windows(9)
        for iteration in range(60):
            given = losses(6, 7, rng_seed=iteration)
            weights = weighting(given, counts=COUNTS, iteration=iteration, instances=instances, rows=known_rows())
            assert (weights >= 0).all() and (weights[:, ~COUNTS] == 0).all()
            assert float(weights[:, COUNTS].mean()) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_what_a_weighting_remembers_is_its_state_and_nothing_that_an_optimiser_moves(name: str) -> None:
    instances = torch.arange(6).unsqueeze(1)
    for one, other in zip(both_extremes(name), both_extremes(name), strict=True):
        assert not list(one.parameters())
        one.expect_windows(9)
        other.expect_windows(9)
        for iteration in range(5):
            given = losses(6, 7, rng_seed=iteration)
            one(given, counts=COUNTS, iteration=iteration, instances=instances, rows=known_rows())
        other.load_state_dict(one.state_dict())
        last = {"counts": COUNTS, "iteration": 5, "instances": instances, "rows": known_rows(1)}
        assert torch.equal(one(losses(6, 7, rng_seed=9), **last), other(losses(6, 7, rng_seed=9), **last))
