"""What noise leaves of a ranking."""

import numpy as np
import pytest

from ahc.evaluation.judging import other_trials
from ahc.evaluation.rank_metrics import kendall


def test_without_noise_another_trial_scores_the_same() -> None:
    scores = np.array([0.2, 0.9, 0.5, 0.7])
    assert np.array_equal(other_trials(scores, noise=0.0), np.tile(scores, (50, 1)))


def test_noise_as_large_as_the_spread_leaves_nothing() -> None:
    scores = np.random.default_rng(0).standard_normal(40)
    trials = other_trials(scores, noise=100.0)
    assert abs(np.mean([kendall(scores, predicted=one) for one in trials])) < 0.05


@pytest.mark.parametrize("noise", [0.3, 0.8])
def test_other_trials_agree_as_real_ones_do(noise: float) -> None:
    rng = np.random.default_rng(1)
    truth = rng.standard_normal(2000)
    first, second = (truth + noise * rng.standard_normal(2000) for _ in range(2))
    best = np.argsort(-first)[:500]
    for chosen in (np.arange(2000), best):
        real = kendall(first[chosen], predicted=second[chosen])
        drawn = [kendall(first[chosen], predicted=one[chosen]) for one in other_trials(first, noise=noise)]
        assert np.mean(drawn) == pytest.approx(real, abs=0.05)
