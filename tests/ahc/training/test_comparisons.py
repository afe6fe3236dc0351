"""Task tables and the probability that an order is real."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ahc.record import TrialRecord
from ahc.training.comparisons import robust_deviation, task_tables
from search_space.genotype import Genotype

MakeRecord = Callable[..., TrialRecord]


def test_noise_is_the_pooled_deviation_of_repeats(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    scores = {0: [0.5, 0.6], 1: [0.3, 0.3, 0.6], 2: [0.9]}
    records = [make_record(candidates[g], rng_seed=s, score=v) for g, vs in scores.items() for s, v in enumerate(vs)]
    (table,) = task_tables(records)
    # squares: 2 * .05^2 = .005 and .01 + .01 + .04 = .06, over 1 + 2 degrees of freedom
    assert table.noise_sd == pytest.approx(np.sqrt(0.065 / 3))
    assert dict(zip(table.keys, table.scores, strict=True)) == pytest.approx(
        {candidates[g].key: np.mean(vs) for g, vs in scores.items()}
    )
    assert len(table.repeat_scores) == 2


def test_p_better_agrees_with_simulated_noise(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    rng = np.random.default_rng(0)
    records = [make_record(candidates[g], rng_seed=s, score=0.5 + 0.02 * rng.normal()) for g in (0, 1) for s in (0, 1)]
    records.append(make_record(candidates[2], score=0.53))
    (table,) = task_tables(records)
    single, double = table.keys.index(candidates[2].key), table.keys.index(candidates[0].key)
    gap = table.scores[single] - table.scores[double]
    drawn = rng.normal(size=(2, 200_000)) * table.noise_sd * np.array([[1.0], [0.5**0.5]])
    assert table.p_better()[single, double] == pytest.approx((gap + drawn[0] - drawn[1] > 0).mean(), abs=0.005)
    np.testing.assert_allclose(table.p_better() + table.p_better().T, 1.0)
    np.testing.assert_allclose(np.diag(table.p_better()), 0.5, atol=1e-12)


def test_errors_are_turned_so_that_larger_is_better(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    facts = {"higher_is_better": False, "metric": "mse"}
    records = [
        make_record(g, score=float(at), untrained_score=at + 1.0, **facts) for at, g in enumerate(candidates[:5])
    ]
    (table,) = task_tables(records)
    assert table.keys[int(table.scores.argmax())] == candidates[0].key
    np.testing.assert_allclose(table.gains, 1.0)


def test_the_label_is_the_longest_training_that_enough_candidates_had(
    make_record: MakeRecord, candidates: list[Genotype]
) -> None:
    cheap = [make_record(g, iterations=50, score=0.1) for g in candidates[:30]]
    full = [make_record(g, iterations=600, score=0.7) for g in candidates[:8]]
    longest = [make_record(candidates[0], iterations=5000, score=0.9)]
    (table,) = task_tables(cheap + full + longest)
    np.testing.assert_allclose(table.scores, 0.7)
    (table,) = task_tables(cheap[:5] + full[:3])
    np.testing.assert_allclose(table.scores, 0.1)


def test_noise_is_borrowed_as_a_share_of_the_spread(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=20) * 0.1
    measured = [make_record(g, task="a", score=s) for g, s in zip(candidates, scores, strict=False)]
    measured += [make_record(g, task="a", score=s + 0.03, rng_seed=1) for g, s in zip(candidates, scores, strict=False)]
    wide = [make_record(g, task="b", score=10 * s) for g, s in zip(candidates, scores, strict=False)]
    first, second = task_tables(measured + wide)
    assert first.noise_known and not second.noise_known
    assert second.noise_sd == pytest.approx(10 * first.noise_sd)


def test_failures_are_told_apart(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    records = [make_record(g) for g in candidates[:3]]
    records.append(make_record(candidates[3], status="diverged", score=0.99))
    records.append(make_record(candidates[0], status="crashed", score=None, rng_seed=1))
    (table,) = task_tables(records)
    assert set(table.keys) == {g.key for g in candidates[:3]}
    assert {k for k, f in zip(table.tried, table.failed, strict=True) if f} == {candidates[3].key}


def test_standardised_scores_are_robust_to_one_disaster(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    good = np.linspace(0.7, 0.9, 30)
    scores = np.append(good, -1000.0)
    (table,) = task_tables([make_record(g, score=float(s)) for g, s in zip(candidates, scores, strict=False)])
    assert table.standardised().min() == -4.0
    assert np.ptp(np.sort(table.standardised())[1:]) > 1.5
    assert robust_deviation(np.random.default_rng(0).normal(size=20_000)) == pytest.approx(1.0, abs=0.03)
    assert robust_deviation(np.ones(5)) == 1.0


def test_refuses_mixed_protocols(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    with pytest.raises(ValueError, match="task 't0': all trials must share one protocol"):
        task_tables([make_record(candidates[0]), make_record(candidates[1], protocol="p2")])
