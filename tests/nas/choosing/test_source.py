"""The comparator as a source of candidates: ranked when asked, anew when landmarks were learned, drawn once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ahc.landmarks import probes
from downstream.data import load_task
from downstream.task import Task
from nas.choosing import ranker
from nas.choosing.cost_limits import affordable
from nas.choosing.portfolio import surest
from nas.choosing.source import SUREST_SCORE, TaskSource
from nas.options.search import SearchOptions
from nas.search_run import plan_of, strategy_of
from nas.strategies import Result
from nas.strategies.candidates import designs
from search_space.genotype import Genotype
from tests.nas.choosing.first_wishes import source_of

ITALY = Path(__file__).parents[3] / "examples" / "data" / "ItalyPowerDemand"
PROBES = probes("classification")


@pytest.fixture(scope="module")
def task() -> Task:
    return load_task(ITALY, kind="classification")


@pytest.fixture
def source(task: Task) -> TaskSource:
    made = source_of(task, SearchOptions(str(ITALY), candidates=100))
    assert isinstance(made, TaskSource)
    return made


def untrained(genotypes: tuple[Genotype, ...]) -> list[Result]:
    """Each is better than the one before it."""
    return [Result(genotype, 0, ((0, 0.5 + 0.03 * at),)) for at, genotype in enumerate(genotypes)]


def test_what_is_foreseen_is_what_the_ranking_says(source: TaskSource) -> None:
    assert source.ranking is None and source.score(PROBES[0]) == source.gain(PROBES[0]) == 0.0
    source.ranked(5)
    for results in ([], untrained(PROBES)):
        source.learn(results)
        source.ranked(5)
        ranking = source.ranking
        assert ranking is not None
        assert_allclose([source.gain(one) for one in ranking.genotypes], ranking.gain, atol=1e-5)
        for genotype, untrained_score in zip(ranking.genotypes, ranking.untrained.tolist(), strict=True):
            if genotype not in surest("classification"):
                assert source.score(genotype) == pytest.approx(untrained_score - ranking.mean, abs=1e-5)
    assert [source.score(one) for one in surest("classification")] == [SUREST_SCORE] * 2


def test_landmarks_rank_anew_and_nothing_is_drawn_twice(source: TaskSource, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def counted(n: int, *given: Any, **how: Any) -> Any:
        drawn.append(n)
        return draw(n, *given, **how)

    draw = ranker.draw_candidates
    monkeypatch.setattr(ranker, "draw_candidates", counted)
    source.ranked(5)
    before = source.ranking
    first = source.score(source.ranked(1)[0])
    source.learn(untrained(PROBES))
    assert source.ranking is before  # until somebody asks
    assert source.score(source.ranked(1)[0]) != first
    after = source.ranking
    assert before is not None and after is not None and not np.array_equal(before.scores, after.scores)
    source.ranked(5)
    assert source.ranking is after and drawn == [100]


def test_what_says_too_little_of_the_task_changes_nothing(source: TaskSource) -> None:
    source.ranked(5)
    before = source.ranking
    trained = [replace(one, iterations=25, curve=((25, at / 9),)) for at, one in enumerate(untrained(PROBES))]
    failed = [replace(one, curve=()) for one in untrained(PROBES)]
    alike = [replace(one, curve=((0, 0.5),)) for one in untrained(PROBES)]
    for told in ([], untrained(PROBES[:3]), trained, failed, alike):
        source.learn(told)
        source.ranked(5)
        assert source.ranking is before


def test_what_is_learned_depends_on_untrained_scores_alone(task: Task) -> None:
    """Not on their order, on strangers, or on what training made of them; a probe may come with another loss."""
    results = untrained(PROBES)
    other = replace(PROBES[2], train=replace(PROBES[2].train, learning_rate=0.5))
    same = [replace(one, curve=(*one.curve, (25, 0.0))) for one in reversed(results)]
    same[-3] = replace(same[-3], genotype=other)
    strangers = [Result(replace(PROBES[0], encoder=replace(PROBES[0].encoder, hidden=48)), 0, ((0, 9.0),))]
    rankings = []
    for told in (results, same + strangers):
        made = source_of(task, SearchOptions(str(ITALY), candidates=100))
        assert isinstance(made, TaskSource)
        made.learn(told)
        made.ranked(1)
        assert made.ranking is not None
        rankings.append(made.ranking)
    assert rankings[0].genotypes == rankings[1].genotypes
    assert_allclose(rankings[0].scores, rankings[1].scores)


def test_a_search_that_goes_on_asks_for_the_same(task: Task) -> None:
    """A strategy follows from its rng_seed and from what it is told, the comparator's second ranking included."""
    options = SearchOptions(str(ITALY), candidates=100, landmarks=48)

    def asked(sign: float) -> list[list[tuple[str, int, str]]]:
        made = source_of(task, options)
        strategy, rounds = strategy_of(options, made, plan_of(options)), []
        while wishes := strategy.ask():
            rounds.append([(wish.genotype.key, wish.iterations, wish.group) for wish in wishes])
            scores = [sign * int(wish.genotype.untrained_key[:4], 16) for wish in wishes]
            told = zip(wishes, scores, strict=True)
            strategy.tell([Result(wish.genotype, wish.iterations, ((0, score),)) for wish, score in told])
        return rounds

    first, other = asked(1.0), asked(-1.0)
    assert asked(1.0) == first
    assert other[0] == first[0] and {*other[1]} != {*first[1]}
    assert sum(len(wishes) for wishes in first if not wishes[0][1]) == 48


def test_what_is_ranked_differs_in_design_and_is_affordable(source: TaskSource, task: Task) -> None:
    """Untrained, an encoder has one score with whatever strategy: its shades would be one landmark."""
    allowed = affordable(task)
    found = designs(source, 8)
    assert len({genotype.design for genotype in found}) == len({genotype.untrained_key for genotype in found}) == 8
    assert all(map(allowed, found)) and found[0] == source.ranked(1)[0]
