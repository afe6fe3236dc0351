"""Pools of recorded trials, and what is drawn from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from ahc.ranking import Ranking
from nas.replay.play import COSTS, MOST, InOrder, plan_for, play
from nas.replay.pool import UNTRAINED_SHARE, Pool, PoolSource, genes
from nas.strategies import Plan, Wish
from nas.strategies.policies.controller import Controller
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from tests.nas.replay.recorded import trial
from tests.nas.strategies.small_problem import SPACE, Score, quality

GENOTYPES = sample_candidates(20, np.random.default_rng(5), SPACE)


def ranking(score: Score) -> Ranking:
    """Rank the pool by a rule, most of which is said to be gained in training."""
    genotypes = sorted(GENOTYPES, key=lambda genotype: -score(genotype))
    values = np.array([score(genotype) for genotype in genotypes], dtype=np.float32)
    parts = {"untrained": 0.25 * values, "gain": 0.75 * values, "mean": float(0.25 * values.mean())}
    return Ranking(tuple(genotypes), values, values, values, seconds=values, n_ranked=len(genotypes), **parts)


def source(rng_seed: int = 0) -> PoolSource:
    before, after = ranking(quality), ranking(lambda genotype: -quality(genotype))
    rng = np.random.default_rng(rng_seed)
    return PoolSource(before, after=after, portfolio=GENOTYPES[:2], rng=rng, space=SPACE)


def pool(genotypes: list[Genotype] = GENOTYPES) -> Pool:
    return Pool.of([trial(genotype) for genotype in genotypes])


def test_a_pool_holds_the_longest_trials_of_the_first_rng_seed() -> None:
    first, second, third = GENOTYPES[:3]
    made = Pool.of(
        [
            trial(first, score=0.7, rng_seed=3),
            trial(first, score=0.5, rng_seed=0),
            trial(second),
            trial(second, iterations=50, score=0.9),
            trial(third, status="timeout"),
        ]
    )
    assert set(made.records) == {first.key, second.key} and made.records[first.key].rng_seed == 0
    longer = Pool.of([trial(first), trial(second, iterations=400)])
    assert set(longer.records) == {second.key} and longer.iterations == 400


def test_a_trial_gives_its_curve_so_far_and_costs_its_share() -> None:
    made, genotype = pool(), GENOTYPES[4]
    for iterations, share in ((0, UNTRAINED_SHARE), (50, (1 + UNTRAINED_SHARE) / 2), (100, 1.0)):
        result = made.result(Wish(genotype, iterations))
        assert result.seconds == pytest.approx(10.0 * share)
        assert [at for at, _ in result.curve] == [at for at in (0, 25, 50, 100) if at <= iterations]
    error = Pool.of([trial(genotype, higher_is_better=False)]).result(Wish(genotype, 0))
    assert error.curve == ((0, -quality(genotype)),)


def test_a_landmark_costs_what_was_recorded_of_it() -> None:
    genotype, full = GENOTYPES[4], trial(GENOTYPES[4])
    for seconds, expected in ((3.0, 3.0), (12.0, 10.0)):  # on a busy machine: none costs more than a full trial
        made = Pool.of([full, trial(genotype, iterations=0, seconds=seconds, curve=((0, 0.5, None),))])
        assert made.result(Wish(genotype, 0)).seconds == pytest.approx(expected)
        assert made.result(Wish(genotype, 50)).seconds == pytest.approx((expected + 10.0) / 2)
    assert made.records[genotype.key].iterations == 100


def test_draws_are_new_until_there_are_no_more() -> None:
    made = source()
    drawn = [genotype.key for n in (3, 8, 20) for genotype in made.random(n)]
    assert sorted(drawn) == sorted(genotype.key for genotype in GENOTYPES) and made.random(1) == []
    assert [genotype.key for genotype in source(1).random(20)] != drawn


def test_ranks_and_scores_are_those_of_the_comparator_before_and_after_landmarks() -> None:
    made = source()
    mean = np.mean([quality(genotype) for genotype in GENOTYPES])
    for sign in (1.0, -1.0):
        ranked = [sign * quality(genotype) for genotype in made.ranked(20)]
        assert ranked == sorted(ranked, reverse=True)
        for genotype in GENOTYPES:
            assert made.score(genotype) == pytest.approx(0.25 * sign * (quality(genotype) - mean), abs=1e-6)
            assert made.gain(genotype) == pytest.approx(0.75 * sign * quality(genotype), abs=1e-6)
        made.learn([])


def test_children_are_relatives_and_none_comes_twice_while_there_are_others() -> None:
    def shared(one: Genotype, other: Genotype) -> int:
        return len({*genes(one).items()} & {*genes(other).items()})

    made, parent = source(), GENOTYPES[7]
    children = [made.child(parent) for _ in range(19)]
    assert {child.key for child in children} == {g.key for g in GENOTYPES} - {parent.key}
    near = [shared(parent, child) for child in children]
    assert np.mean(near[:5]) > np.mean(near) + 1
    assert made.child(parent).key != parent.key


def test_every_member_can_be_chosen_and_nothing_else() -> None:
    controller, choices = Controller(torch.Generator().manual_seed(0)), source().choices()
    drawn = {controller.sample(choices).genotype.key for _ in range(800)}
    assert drawn == {genotype.key for genotype in GENOTYPES}


def test_regret_falls_as_trials_end() -> None:
    """Twenty full trials of equal cost, of which the best comes fourth: each is 5 % of the cost."""
    ordered = sorted(GENOTYPES, key=quality)
    order = [ordered[at] for at in (10, 3, 12, 19, 0, *range(1, 3))]
    made = pool()
    scores = np.array([quality(genotype) for genotype in order])
    regrets = np.minimum(MOST, (made.best - 0.1 - np.maximum.accumulate(scores)) / made.unit)
    expected = [MOST if cost < 0.05 - 1e-9 else regrets[min(int(cost / 0.05 + 1e-9), 7) - 1] for cost in COSTS]
    said = play(InOrder(order, iterations=100), made)
    assert_allclose(said, expected, atol=1e-9)
    assert said[COSTS.index(0.2)] == 0.0 and said[COSTS.index(0.19)] > 0.0


def test_plans_are_in_the_scale_of_the_pool() -> None:
    forty_eight = pool(sample_candidates(48, np.random.default_rng(1), SPACE))
    assert plan_for(forty_eight) == Plan(32, ((25, 8), (50, 4), (100, 2)))
    assert plan_for(pool(GENOTYPES[:8])) == Plan(5, ((25, 1), (50, 1), (100, 1)))
    one_step = Pool.of(
        [trial(genotype, iterations=1, curve=((0, 0.1, None), (1, 0.2, None))) for genotype in GENOTYPES]
    )
    assert len(plan_for(one_step).rungs) == 1
