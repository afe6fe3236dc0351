"""Ranking measures in closed form and against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ahc.evaluation.rank_metrics import (
    accuracy_by_gap,
    bootstrap_mean,
    expected_random_regret,
    kendall,
    pairwise_accuracy,
    regret,
    spearman,
)


def test_pairwise_accuracy_equals_a_loop_and_kendall_without_ties() -> None:
    rng = np.random.default_rng(0)
    scores, predicted = rng.normal(size=12), rng.normal(size=12)
    pairs = list(itertools.combinations(range(12), 2))
    right = np.mean([(scores[a] > scores[b]) == (predicted[a] > predicted[b]) for a, b in pairs])
    accuracy = pairwise_accuracy(scores, predicted=predicted)
    assert accuracy == pytest.approx(right)
    assert kendall(scores, predicted=predicted) == pytest.approx(2 * right - 1)


def test_ties() -> None:
    scores = np.array([1.0, 2.0, 2.0])
    assert pairwise_accuracy(scores, predicted=np.zeros(3)) == 0.5
    assert kendall(scores, predicted=np.zeros(3)) == 0.0
    assert spearman(scores, predicted=np.zeros(3)) == 0.0
    assert np.isnan(pairwise_accuracy(np.ones(3), predicted=np.arange(3.0)))
    assert kendall(np.ones(3), predicted=np.arange(3.0)) == 0.0


def test_accuracy_by_gap_separates_close_pairs() -> None:
    # Neighbours are swapped: wrong on the smallest gaps, right on all others.
    scores = np.array([0.0, 0.01, 1.0, 1.01, 3.0, 3.01, 7.0, 7.01])
    predicted = np.array([1.0, 0.0, 3.0, 2.0, 5.0, 4.0, 7.0, 6.0])
    by_gap = accuracy_by_gap(scores, predicted=predicted)
    np.testing.assert_allclose(by_gap, [3 / 7, 1, 1, 1])


def test_regret() -> None:
    scores = np.array([0.5, 0.9, 0.7])
    assert regret(scores, predicted=np.array([3.0, 1.0, 2.0]), k=1) == pytest.approx(0.4)
    assert regret(scores, predicted=np.array([3.0, 1.0, 2.0]), k=2) == pytest.approx(0.2)
    assert regret(scores, predicted=np.array([3.0, 1.0, 2.0]), k=9) == 0.0


@pytest.mark.parametrize("k", [1, 2, 3, 7, 9])
def test_expected_regret_of_random_choice_equals_enumeration(k: int) -> None:
    scores = np.random.default_rng(1).normal(size=7)
    draws = list(itertools.combinations(scores, min(k, 7)))
    assert expected_random_regret(scores, k=k) == pytest.approx(np.mean([scores.max() - max(d) for d in draws]))


def test_bootstrap_redraws_families() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=40)
    alone = bootstrap_mean(values.tolist(), groups=[str(at) for at in range(40)], rng=np.random.default_rng(0))
    half = 1.96 * values.std() / np.sqrt(40)
    assert alone.mean == pytest.approx(values.mean())
    assert alone.low == pytest.approx(values.mean() - half, abs=0.05)
    assert alone.high == pytest.approx(values.mean() + half, abs=0.05)
    # Ten copies of each value are no more evidence than one.
    copies = bootstrap_mean(
        np.repeat(values, 10).tolist(),
        groups=[str(at) for at in np.repeat(np.arange(40), 10)],
        rng=np.random.default_rng(0),
    )
    assert copies == pytest.approx(alone)
    assert np.isnan(bootstrap_mean([float("nan")], groups=["a"], rng=rng)).all()
