"""What holds for every strategy, and what each of them is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ahc.ranking import SHADES
from nas.errors import OptionError
from nas.strategies import STRATEGIES, Plan, Result, Strategy, Wish
from nas.strategies.race import Race
from nas.strategies.strategy import RANDOM, SEARCHED
from search_space.drawing import SamplingError, sample_candidates
from search_space.genotype import Genotype
from tests.nas.strategies.small_problem import SPACE, SmallSource, quality, run, trained

PLAN = Plan(landmarks=16, rungs=((25, 8), (50, 4), (100, 2)))


def made(name: str, *, plan: Plan = PLAN, rng_seed: int = 0, **options: Any) -> Strategy:
    source = SmallSource(rng_seed, opinion=quality)
    return STRATEGIES[name](source, plan, np.random.default_rng(rng_seed), **options)


def asked(name: str, **how: Any) -> list[list[tuple[str, int, str]]]:
    rounds = run(made(name, **how))
    return [[(wish.genotype.key, wish.iterations, wish.group) for wish in wishes] for wishes in rounds]


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_is_asked_for_follows_from_the_rng_and_what_was_told(name: str) -> None:
    first = asked(name)
    assert asked(name) == first
    assert asked(name, rng_seed=1) != first


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_wish_is_new_within_the_plan_and_in_the_space(name: str) -> None:
    rounds = run(made(name))
    wishes = [wish for asked_at_once in rounds for wish in asked_at_once]
    assert len({(wish.genotype.key, wish.iterations) for wish in wishes}) == len(wishes)
    assert all(SPACE.holds(wish.genotype) for wish in wishes)
    assert sum(wish.iterations for wish in wishes) <= PLAN.steps
    assert sum(wish.iterations == 0 for wish in wishes) <= PLAN.landmarks
    last = [wish for wish in wishes if wish.iterations == 100]
    assert len(last) == PLAN.rungs[-1][1]


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_fails_is_not_asked_for_again_and_ends_nothing(name: str) -> None:
    def some_fail(wish: Wish) -> Result:
        return replace(trained(wish), curve=()) if int(wish.genotype.key, 16) % 3 == 0 else trained(wish)

    rounds = run(made(name), result=some_fail)
    counts = Counter(wish.genotype.key for wishes in rounds for wish in wishes)
    assert all(count == 1 for key, count in counts.items() if int(key, 16) % 3 == 0)
    assert any(wish.iterations == 100 for wish in rounds[-1])
    nothing_works = run(made(name), result=lambda wish: replace(trained(wish), curve=()))
    assert max(Counter(w.genotype.key for wishes in nothing_works for w in wishes).values()) == 1


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_is_final_is_not_trained_further(name: str) -> None:
    rounds = run(made(name), result=lambda wish: replace(trained(wish), final=True))
    assert max(Counter(wish.genotype.key for wishes in rounds for wish in wishes).values()) == 1


def stages(rounds: list[list[Wish]]) -> list[list[Wish]]:
    """Return the rounds of a play, all landmarks as one."""
    n_landmarks = sum(not wishes[0].iterations for wishes in rounds)
    return [[wish for wishes in rounds[:n_landmarks] for wish in wishes], *rounds[n_landmarks:]]


def test_landmark_races_both_groups_for_half_of_each_rung() -> None:
    rounds = stages(run(made("landmark")))
    assert [Counter((wish.iterations, wish.group) for wish in wishes) for wishes in rounds] == [
        {(at, SEARCHED): n, (at, RANDOM): n} for at, n in ((0, 8), (25, 4), (50, 2), (100, 1))
    ]
    for before, after in pairwise(rounds):
        for group in (SEARCHED, RANDOM):
            own = sorted((quality(wish.genotype) for wish in before if wish.group == group), reverse=True)
            kept = [quality(wish.genotype) for wish in after if wish.group == group]
            assert sorted(kept, reverse=True) == own[: len(kept)]


def test_landmark_begins_with_the_portfolio_then_the_ranked() -> None:
    source = SmallSource(opinion=quality)
    first, second, *_ = run(made("landmark"))
    assert [wish.genotype for wish in first if wish.group == SEARCHED] == source.portfolio()
    assert second[0].genotype == source.ranked(SHADES * 8)[0] and {wish.group for wish in second} == {SEARCHED}
    unranked = run(STRATEGIES["landmark"](SmallSource(), PLAN, np.random.default_rng(0)))
    assert Counter(wish.group for wish in stages(unranked)[0]) == {SEARCHED: 8, RANDOM: 8}


def test_landmark_searches_where_the_first_round_leads_the_comparator() -> None:
    """It ranks by a wrong rule, until it has learned the true one; the blind draws do not depend on it."""
    source = SmallSource(opinion=lambda genotype: -quality(genotype))

    def learn(results: Sequence[Result]) -> None:
        source.learned += results
        source.opinion = quality

    source.learn = learn  # type: ignore[method-assign]
    first, second, *_ = run(STRATEGIES["landmark"](source, PLAN, np.random.default_rng(0)))
    assert source.learned == [trained(wish) for wish in first]
    assert second[0].genotype == SmallSource(opinion=quality).ranked(SHADES * 8)[0]
    drawn = {wish.genotype.key for wish in first if wish.group == RANDOM}
    assert len(drawn) == 8 and not drawn & {wish.genotype.key for wish in second}


@pytest.mark.parametrize("landmarks", range(1, 24))
def test_landmarks_are_as_many_as_planned_and_half_of_them_blind(landmarks: int) -> None:
    """The comparator thinks best what was drawn blindly: it stays with the rival, and others take the places."""
    source = SmallSource(opinion=quality)
    ranked = source.ranked
    source.ranked = lambda n: [*source.drawn, *ranked(n)][:n] if source.learned else ranked(n)  # type: ignore[method-assign]
    strategy = STRATEGIES["landmark"](source, replace(PLAN, landmarks=landmarks), np.random.default_rng(0))
    found = stages(run(strategy))[0]
    n_blind = landmarks // 2
    assert Counter(wish.group for wish in found) == Counter({SEARCHED: landmarks - n_blind, RANDOM: n_blind})
    assert len({wish.genotype.key for wish in found}) == landmarks


def test_landmarks_leave_a_third_of_the_places_to_the_comparator_however_many_are_known() -> None:
    source = SmallSource(opinion=quality)
    known = sample_candidates(40, np.random.default_rng(98), SPACE)
    source.portfolio = lambda: known  # type: ignore[method-assign]
    first, second, *_ = run(STRATEGIES["landmark"](source, replace(PLAN, landmarks=24), np.random.default_rng(0)))
    assert [wish.genotype for wish in first if wish.group == SEARCHED] == known[:8]
    assert len(second) == 4 and len({wish.genotype.design for wish in second}) == 4
    source.opinion = None  # nothing is ranked: what is known has them all
    (round_, *_) = run(STRATEGIES["landmark"](source, replace(PLAN, landmarks=24), np.random.default_rng(0)))[1:]
    assert [wish.genotype for wish in round_] == known[8:12]


def test_a_place_of_one_is_one_for_each_group() -> None:
    rounds = run(made("landmark", plan=Plan(landmarks=4, rungs=((10, 1),))))
    assert Counter(wish.group for wish in rounds[-1]) == {SEARCHED: 1, RANDOM: 1}


def test_noise_leaves_the_choice_to_the_comparator_for_the_searched_alone() -> None:
    """Landmarks of infinite noise: the searched rank as their scores say, the blind rival cannot know them."""
    rounds = stages(run(made("landmark"), result=lambda wish: replace(trained(wish), noise=float("inf"))))
    for group, knows in ((SEARCHED, True), (RANDOM, False)):
        own = [quality(wish.genotype) for wish in rounds[0] if wish.group == group]
        kept = [quality(wish.genotype) for wish in rounds[1] if wish.group == group]
        assert (sorted(kept) == sorted(own)[-4:]) is knows


def test_a_race_knows_what_is_foreseen_of_all_but_the_blind() -> None:
    searched, drawn = (sample_candidates(3, np.random.default_rng(at), SPACE) for at in (0, 1))
    told: dict[str, tuple[float, float]] = {}

    def standing(
        results: Sequence[Result], priors: Sequence[float], gains: Sequence[float], iterations: int
    ) -> NDArray[np.float64]:
        assert iterations == 100
        told.update(zip((one.genotype.key for one in results), zip(priors, gains, strict=True), strict=True))
        return np.zeros(len(results))

    source = SmallSource(opinion=quality)
    run(Race({SEARCHED: searched, RANDOM: drawn}, rungs=[(100, 2)], source=source, standing=standing))
    expected = {genotype.key: (quality(genotype), 0.01 * quality(genotype)) for genotype in searched}
    assert told == expected | {genotype.key: (0.0, 0.0) for genotype in drawn}


def test_comparator_trains_its_best_without_a_look_at_landmarks() -> None:
    first = run(made("comparator"))[0]
    assert {wish.iterations for wish in first} == {25}
    assert Counter(wish.group for wish in first) == {SEARCHED: 4, RANDOM: 4}
    assert first[0].genotype == SmallSource(opinion=quality).ranked(SHADES * 4)[0]
    with pytest.raises(OptionError, match="needs a comparator"):
        STRATEGIES["comparator"](SmallSource(), PLAN, np.random.default_rng(0))


def test_halving_goes_by_the_latest_score_of_blind_draws() -> None:
    def crossing(wish: Wish) -> Result:
        """Who is best at first is worst in the end."""
        value = quality(wish.genotype)
        return Result(
            wish.genotype, wish.iterations, ((0, value), (wish.iterations, value if wish.iterations < 50 else -value))
        )

    rounds = run(made("halving"), result=crossing)
    assert [len(wishes) for wishes in rounds] == [8, 4, 2]
    assert {wish.group for wishes in rounds for wish in wishes} == {RANDOM}
    first, second, third = (sorted(quality(wish.genotype) for wish in wishes) for wishes in rounds)
    assert second == first[4:] and third == second[:2]


def test_random_asks_for_blind_draws_alone() -> None:
    rounds = run(made("random"))
    assert {wish.group for wishes in rounds for wish in wishes} == {RANDOM}
    assert len(rounds[0]) == 16 and [len(wishes) for wishes in rounds[1:]] == [8, 4, 2]


def test_evolution_spends_its_steps_on_children_of_winners() -> None:
    source = SmallSource(opinion=lambda genotype: 0.0)
    parents: list[Genotype] = []
    plain = source.child
    source.child = lambda parent: (parents.append(parent), plain(parent))[1]  # type: ignore[method-assign, func-returns-value]
    rounds = stages(run(STRATEGIES["evolution"](source, PLAN, np.random.default_rng(0))))
    first, *litters, last = rounds[1:]
    assert [len(wishes) for wishes in (rounds[0], first, last)] == [16, 8, 2]
    assert sum(map(len, litters)) == (PLAN.steps - 2 * 100) // 25 - 8 and {len(litter) for litter in litters} == {4}
    known = {wish.genotype.key for wishes in (first, *litters) for wish in wishes}
    assert {parent.key for parent in parents} <= known
    mean = np.mean([quality(wish.genotype) for wish in first])
    assert np.mean([quality(parent) for parent in parents]) > mean
    trials = sorted((quality(wish.genotype) for wishes in (first, *litters) for wish in wishes), reverse=True)
    assert sorted((quality(wish.genotype) for wish in last), reverse=True) == trials[:2]


def test_evolution_forgets_the_oldest() -> None:
    """One of the first is by far the best: it is the only parent, until it is too old."""
    plan = Plan(landmarks=4, rungs=((10, 4), (20, 20), (40, 1)))
    source = SmallSource()
    parents: list[str] = []
    plain = source.child
    source.child = lambda parent: (parents.append(parent.key), plain(parent))[1]  # type: ignore[method-assign, func-returns-value]
    strategy = STRATEGIES["evolution"](source, plan, np.random.default_rng(0), tournament=1.0, litter=1)
    idol: list[str] = []

    def result(wish: Wish) -> Result:
        idol[:] = idol or [wish.genotype.key]
        return trained(wish, score=lambda genotype: 100.0 if genotype.key == idol[0] else quality(genotype))

    run(strategy, result=result)
    assert parents[:4] == idol * 4 and idol[0] not in parents[-8:] and len(parents) >= 16


def test_evolution_ends_where_the_space_has_no_mutants() -> None:
    source = SmallSource()

    def barren(parent: Genotype) -> Genotype:
        raise SamplingError("space: must offer another value for a gene")

    source.child = barren  # type: ignore[method-assign]
    rounds = run(STRATEGIES["evolution"](source, PLAN, np.random.default_rng(0)))
    assert [len(wishes) for wishes in stages(rounds)] == [16, 8, 2]
    assert {wish.group for wishes in rounds for wish in wishes} == {SEARCHED}


def test_plans_of_few_iterations_have_fewer_rungs() -> None:
    assert Plan.of() == Plan()
    assert Plan.of(100, top_k=2).rungs == ((25, 8), (50, 4), (100, 2))
    assert Plan.of(1).rungs == ((1, 4),)
    assert Plan.of(2).rungs == ((1, 8), (2, 4))
