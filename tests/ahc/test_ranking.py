"""Ranking is a sort of scores; evolution climbs them."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from ahc.comparator import Comparator
from ahc.encoding import encode_genotypes
from ahc.ranking import evolve, rank_candidates
from ahc.vocabulary import Vocabulary, VocabularyError
from search_space.genotype import Genotype
from search_space.sampling import sample_candidates

TASK = np.linspace(-1, 1, 5).astype(np.float32)


def test_order_scores_and_probabilities_agree(opinionated: Comparator, candidates: list[Genotype]) -> None:
    whole = rank_candidates(opinionated, candidates, TASK, batch=7, failure_weight=0.0)
    batch = encode_genotypes(candidates, vocabulary=opinionated.vocabulary)
    direct = opinionated.predict(batch, task_embedding=torch.from_numpy(TASK)).score.numpy()
    order = np.argsort(-direct)
    assert [genotype.key for genotype in whole.genotypes] == [candidates[at].key for at in order]
    np.testing.assert_allclose(whole.scores, direct[order], atol=1e-4)
    np.testing.assert_allclose(whole.p_over_median, 1 / (1 + np.exp(np.median(direct) - direct[order])), atol=1e-4)
    top = rank_candidates(opinionated, candidates, TASK, top_k=5, failure_weight=0.0)
    assert top.genotypes == whole.genotypes[:5]
    assert len(top) == 5
    assert top.n_ranked == len(candidates)


def test_failure_penalty_is_the_log_odds_of_surviving(opinionated: Comparator, candidates: list[Genotype]) -> None:
    plain = rank_candidates(opinionated, candidates, TASK, failure_weight=0.0)
    wary = rank_candidates(opinionated, candidates, TASK, failure_weight=3.0)
    before = {g.key: float(s) for g, s in zip(plain.genotypes, plain.scores, strict=True)}
    for genotype, score, failure in zip(wary.genotypes, wary.scores, wary.failure, strict=True):
        assert score == pytest.approx(before[genotype.key] + 3 * np.log(1 - failure), abs=1e-4)


def test_task_changes_the_ranking_unless_it_is_left_out(opinionated: Comparator, candidates: list[Genotype]) -> None:
    def keys(task: np.ndarray, blind: bool) -> list[str]:
        ranking = rank_candidates(opinionated, candidates, task, task_blind=blind, failure_weight=0.0)
        return [genotype.key for genotype in ranking.genotypes]

    assert keys(TASK, False) != keys(-TASK, False)
    assert keys(TASK, True) == keys(-TASK, True)


def test_two_thousand_candidates_take_less_than_a_second(opinionated: Comparator) -> None:
    many = sample_candidates(2000, np.random.default_rng(2))
    start = time.process_time()
    rank_candidates(opinionated, many, TASK, top_k=10)
    assert time.process_time() - start < 1.2  # 20,000 in 12 s


def test_evolution_never_loses_its_best_and_beats_random_drawing(
    opinionated: Comparator, candidates: list[Genotype]
) -> None:
    start = rank_candidates(opinionated, candidates[:20], TASK)
    kept = evolve(opinionated, candidates[:20], TASK, np.random.default_rng(0), generations=0, population=20)
    assert kept.genotypes == start.genotypes
    grown = evolve(
        opinionated, candidates[:20], TASK, np.random.default_rng(0), generations=6, population=20, children=40
    )
    assert grown.scores[0] >= start.scores[0]
    assert len({genotype.key for genotype in grown.genotypes}) == len(grown)
    random = rank_candidates(opinionated, sample_candidates(grown.n_ranked, np.random.default_rng(1)), TASK)
    assert grown.scores[0] > random.scores[0]
    again = evolve(
        opinionated, candidates[:20], TASK, np.random.default_rng(0), generations=6, population=20, children=40
    )
    assert again.genotypes == grown.genotypes


def test_refuses(opinionated: Comparator, candidates: list[Genotype]) -> None:
    with pytest.raises(ValueError, match="rank_candidates: at least one candidate"):
        rank_candidates(opinionated, [], TASK)
    with pytest.raises(ValueError, match="top_k must be at least 1, got 0"):
        rank_candidates(opinionated, candidates, TASK, top_k=0)
    with pytest.raises(ValueError, match="evolve: needs at least 1 seed"):
        evolve(opinionated, [], TASK, np.random.default_rng(0))
    words = Vocabulary(columns=opinionated.vocabulary.columns[:10], scales=opinionated.vocabulary.scales)
    ignorant = Comparator(words, settings=opinionated.settings)
    with pytest.raises(VocabularyError, match="unknown vocabulary entry"):
        rank_candidates(ignorant, candidates, TASK)
