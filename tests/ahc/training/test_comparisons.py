"""Task tables and the probability that an order is real."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ahc.record import TrialRecord
from ahc.training.comparisons import robust_deviation, task_tables, teaching_tables
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
    # other scores of the same trials, by the same noise
    np.testing.assert_allclose(table.p_better(-table.scores), table.p_better().T)
    np.testing.assert_array_equal(table.p_better(np.zeros(3)), 0.5)


def test_errors_are_turned_so_that_larger_is_better(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    facts = {"higher_is_better": False, "metric": "mse"}
    records = [
        make_record(g, score=float(at), untrained_score=at + 1.0, **facts) for at, g in enumerate(candidates[:5])
    ]
    (table,) = task_tables(records)
    assert table.keys[int(table.scores.argmax())] == candidates[0].key
    np.testing.assert_allclose(table.gains, 1.0)


def test_the_label_of_a_candidate_is_its_own_longest_training(
    make_record: MakeRecord, candidates: list[Genotype]
) -> None:
    steps = {0: [0], 1: [0, 50], 2: [0, 600, 600], 3: [50]}
    records = [
        make_record(candidates[at], iterations=n, rng_seed=number, score=0.5 + n / 1000 + number / 100)
        for at, own in steps.items()
        for number, n in enumerate(own)
    ]
    (table,) = task_tables(records)
    scores = dict(zip(table.keys, zip(table.scores, table.repeats, strict=True), strict=True))
    expected = {0: (0.5, 1), 1: (0.56, 1), 2: (1.115, 2), 3: (0.55, 1)}
    for at, label in expected.items():
        assert scores[candidates[at].key] == pytest.approx(label), at


def test_noise_is_pooled_within_a_fidelity(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    # what training gains is no noise, and a repeated probe of a candidate that was trained once tells of noise
    records = [
        make_record(candidates[0], iterations=0, score=0.5),
        make_record(candidates[0], iterations=0, score=0.6, rng_seed=1),
        make_record(candidates[0], iterations=600, score=0.9),
        make_record(candidates[1], iterations=0, score=0.1),
        make_record(candidates[1], iterations=600, score=0.8, untrained_score=0.2),
        make_record(candidates[1], iterations=600, score=0.7, untrained_score=0.3, rng_seed=1),
    ]
    (table,) = task_tables(records)
    assert table.noise_sd == pytest.approx(0.1 / 2**0.5)
    assert sorted(map(tuple, table.repeat_scores.tolist())) == [(0.5, 0.6), (0.8, 0.7)]
    np.testing.assert_allclose(table.repeat_gains, [[0.6, 0.4]])  # of trained repeats only
    (table,) = task_tables(records[1:5])
    assert not table.noise_known and table.repeat_scores.shape == table.repeat_gains.shape == (0, 2)


def test_gains_are_nothing_where_training_changes_nothing_and_unknown_where_nobody_trained(
    make_record: MakeRecord, candidates: list[Genotype]
) -> None:
    probe = {"iterations": 0, "score": 0.5, "untrained_score": 0.5}
    records = [
        make_record(candidates[0], **probe, details={"final": 1.0}),
        make_record(candidates[1], **probe),
        make_record(candidates[2], **probe),
        make_record(candidates[2], score=0.7, untrained_score=0.4),
        make_record(candidates[2], score=0.9, untrained_score=0.6, rng_seed=1),
        make_record(candidates[3], score=0.7),
    ]
    (table,) = task_tables(records)
    order = [table.keys.index(genotype.key) for genotype in candidates[:4]]
    np.testing.assert_allclose(table.gains[order], [0.0, np.nan, 0.3, np.nan])
    np.testing.assert_allclose(table.untrained[order], [0.5, 0.5, 0.5, np.nan])
    np.testing.assert_allclose(table.standardised_gains()[order], table.gains[order] / table.scale[1])


def test_seconds_are_those_of_untrained_probes(make_record: MakeRecord, candidates: list[Genotype]) -> None:
    records = [
        make_record(candidates[0], iterations=0, seconds=2.0),
        make_record(candidates[0], iterations=0, seconds=4.0, rng_seed=1),
        make_record(candidates[0], iterations=600, seconds=100.0),
        make_record(candidates[1], iterations=0, seconds=12.0),
        make_record(candidates[2], iterations=600, seconds=100.0),
        make_record(candidates[3], iterations=0, seconds=0.0),  # nobody took the time
    ]
    (table,) = task_tables(records)
    order = [table.keys.index(genotype.key) for genotype in candidates[:4]]
    np.testing.assert_allclose(table.seconds[order], [3.0, 12.0, np.nan, np.nan])
    np.testing.assert_allclose(table.log_seconds()[order], [np.log(3 / 7.5), np.log(12 / 7.5), np.nan, np.nan])
    (table,) = task_tables(records[4:])
    assert np.isnan(table.log_seconds()).all()


@pytest.mark.parametrize("n_known", [30, 15, 14, 0])
def test_the_scale_is_that_of_untrained_candidates_where_half_of_them_are_known(
    make_record: MakeRecord, candidates: list[Genotype], n_known: int
) -> None:
    rng = np.random.default_rng(0)
    untrained, scores = rng.normal(size=(2, 30)) * [[1.0], [5.0]]
    records = [
        make_record(genotype, score=float(score), untrained_score=float(before) if at < n_known else None)
        for at, (genotype, score, before) in enumerate(zip(candidates, scores, untrained, strict=False))
    ]
    (table,) = task_tables(records)
    values = untrained[:n_known] if n_known >= 15 else scores
    assert table.scale == pytest.approx((np.median(values), robust_deviation(values)))
    expected = np.clip((table.untrained - table.scale[0]) / table.scale[1], -4, 4)
    np.testing.assert_allclose(table.standardised(table.untrained), expected)
    assert np.isfinite(expected).sum() == n_known


def test_what_was_bred_of_the_best_moves_no_scale_and_takes_no_room(
    make_record: MakeRecord, candidates: list[Genotype]
) -> None:
    """As many again that crowd below the best are shades of it: the others differ as much as before."""
    scores = [0.1 * at for at in range(9)]
    records = [make_record(g, iterations=0, score=s) for g, s in zip(candidates, scores, strict=False)]
    records += [make_record(g, iterations=0, score=0.4, rng_seed=1) for g in candidates[2:7]]
    crowd = [make_record(g, iterations=0, score=0.75, origin="evolved") for g in candidates[9:29]]
    (before,), (after,) = task_tables(records), task_tables([*records, *crowd])
    assert after.scale == before.scale and before.has_room and after.has_room and after.bred.sum() == 20
    known = [after.keys.index(key) for key in before.keys]
    np.testing.assert_allclose(after.standardised()[known], before.standardised())
    (alone,) = task_tables(crowd)  # a bank of these alone has a scale all the same
    assert alone.scale == (0.75, 1.0) and alone.bred.all()


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


@pytest.mark.parametrize(("gap", "teaches"), [(0.3, True), (0.02, False)])
def test_a_task_whose_noise_leaves_no_room_is_left_out_by_name(
    make_record: MakeRecord, candidates: list[Genotype], gap: float, teaches: bool
) -> None:
    scores = np.linspace(0.5, 0.5 + gap, 12)
    records = [make_record(g, score=float(s)) for g, s in zip(candidates, scores, strict=False)]
    repeated = [make_record(candidates[at], rng_seed=1, score=float(scores[at]) + 0.05) for at in range(6)]
    for trials, knows in ((records + repeated, True), (records + repeated[:4], False)):
        tables, noisy = teaching_tables(trials)
        assert (len(tables), noisy) == ((1, []) if teaches or not knows else (0, ["t0"]))
