"""DoubleEnsemble's sample weights against a plain numpy computation of its algorithm."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from contrastive.weightings._base import Rows
from contrastive.weightings.double_ensemble import DoubleEnsemble

N, A = 12, 4
ALL = torch.ones(A, dtype=torch.bool)
Values = NDArray[np.float64]


def ranks(values: Values) -> Values:
    """Return ranks over their number, equal values sharing the mean of theirs."""
    less = (values[:, None] > values + 1e-6).sum(axis=1)
    alike = (abs(values[:, None] - values) <= 1e-6).sum(axis=1)
    return np.asarray((less + (alike + 1) / 2) / len(values))


def by_hand(level: Values, change: Values, *, trend: float) -> Values:
    h = ranks(-level) + trend * ranks(change)
    edges = np.linspace(h.min(), h.max(), 11)
    weights = np.empty(len(h))
    for at, value in enumerate(h):
        place = max(1, next(k for k in range(11) if value <= edges[k] + 1e-9))
        low = -np.inf if place == 1 else edges[place - 1] + 1e-9
        weights[at] = 1.0 / (h[(h > low) & (h <= edges[place] + 1e-9)].mean() + 0.1)
    return weights / weights.mean()


def rows(places: list[int]) -> Rows:
    return Rows(torch.zeros(len(places), 2, 3), torch.zeros(len(places), dtype=torch.long), torch.tensor(places), N)


def weights_of(weighting: DoubleEnsemble, level: Values, places: list[int], *, iteration: int) -> Values:
    """Return what one call gives windows of these mean losses; each has anchors around its mean."""
    spread = torch.tensor([-0.3, 0.1, 0.4, -0.2], dtype=torch.float64)
    losses = torch.as_tensor(level).unsqueeze(1) + spread
    instances = torch.arange(len(places)).unsqueeze(1)
    found = weighting(losses, counts=ALL, iteration=iteration, instances=instances, rows=rows(places)).numpy()
    assert (np.ptp(found, axis=1) < 1e-6).all()  # all anchors of a window weigh the same
    return np.asarray(found[:, 0])


@pytest.mark.parametrize("trend", [0.0, 0.5, 2.0])
def test_weights_follow_the_ranks_of_level_and_fall(trend: float) -> None:
    rng, weighting = np.random.default_rng(0), DoubleEnsemble(trend=trend)
    weighting.expect_windows(N)
    first, last = np.zeros(N), np.zeros(N)
    for iteration in range(6):
        level = rng.exponential(size=N)
        if iteration == 0:
            first = last = ranks(level)
        else:
            last = 0.9 * last + 0.1 * ranks(level)
        found = weights_of(weighting, level, list(range(N)), iteration=iteration)
        np.testing.assert_allclose(found, by_hand(level, last / first, trend=trend), rtol=1e-5)


def test_the_start_is_the_mean_over_the_calls_of_the_first_visit() -> None:
    weighting = DoubleEnsemble(trend=1.0)
    weighting.expect_windows(N)
    levels = [np.array([1.0, 2.0, 3.0]), np.array([9.0, 2.0, 3.0])]
    for level in levels:
        weights_of(weighting, level, [7, 0, 4], iteration=5)
    expected = np.mean([ranks(level) for level in levels], axis=0)
    np.testing.assert_allclose(weighting.first[[7, 0, 4]].numpy(), expected, rtol=1e-6)
    assert weighting.since.tolist() == [5 if place in (0, 4, 7) else -1 for place in range(N)]


def test_a_window_that_is_being_learned_counts_more_than_one_that_is_not() -> None:
    weighting = DoubleEnsemble(trend=2.0)
    weighting.expect_windows(N)
    falling = np.array([4.0, 3.0, 2.0, 1.0])
    for iteration, of_window_0 in enumerate((4.0, 3.5, 2.5, 2.5, 2.5, 2.5)):
        falling[0] = of_window_0
        found = weights_of(weighting, falling, [0, 1, 2, 3], iteration=iteration)
    assert found[0] > found[2] > found[3]  # 2 is as hard as it was before 0 fell


def test_anchors_of_unknown_origin_are_weighted_by_their_losses_alone() -> None:
    losses = torch.tensor([[5.0, 1.0, 3.0, 2.0]], dtype=torch.float64)
    found = DoubleEnsemble(trend=1.0)(losses, counts=ALL, iteration=3).numpy()[0]
    np.testing.assert_allclose(found, by_hand(losses[0].numpy(), np.ones(4), trend=1.0), rtol=1e-6)


def test_a_negative_trend_is_refused() -> None:
    with pytest.raises(ValueError, match=r"double_ensemble\.trend: must be"):
        DoubleEnsemble(trend=-0.5)
