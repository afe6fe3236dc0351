"""Ranking is a sort of scores; evolution climbs them."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from ahc.comparator import Comparator, TaskView
from ahc.graphs.encoding import encode_genotypes
from ahc.graphs.vocabulary import Vocabulary
from ahc.ranking import SHADES, UnlearnedWarning, differing, evolve, rank_candidates
from ahc.threads import for_each, one_thread_a_product
from search_space.drawing import every_genotype, sample_candidates, sample_columns
from search_space.genotype import Genotype
from search_space.presets import preset
from search_space.space import default_space, full_space

TASK = TaskView(np.linspace(-1, 1, 5).astype(np.float32))


def test_order_scores_and_probabilities_agree(opinionated: Comparator, candidates: list[Genotype]) -> None:
    whole = rank_candidates(opinionated, candidates, TASK, batch=7, failure_weight=0.0)
    batch = encode_genotypes(candidates, vocabulary=opinionated.vocabulary)
    said = opinionated.predict(batch, task=TASK)
    direct = said.score.numpy()
    order = np.argsort(-direct)
    assert [genotype.key for genotype in whole.genotypes] == [candidates[at].key for at in order]
    np.testing.assert_allclose(whole.scores, direct[order], atol=1e-4)
    odds = float(opinionated.sharpness) * (direct[order] - np.median(direct))
    np.testing.assert_allclose(whole.p_over_median, 1 / (1 + np.exp(-odds)), atol=1e-4)
    for name in ("failure", "gain", "seconds"):
        np.testing.assert_allclose(getattr(whole, name), getattr(said, name).numpy()[order], atol=1e-4)
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


def test_what_is_known_of_the_task_changes_the_ranking_unless_it_is_left_out(
    opinionated: Comparator, candidates: list[Genotype]
) -> None:
    def keys(task: TaskView) -> list[str]:
        ranking = rank_candidates(opinionated, candidates, task, failure_weight=0.0)
        return [genotype.key for genotype in ranking.genotypes]

    other = TaskView(-TASK.embedding)
    landmarks = np.linspace(-3, 3, opinionated.settings.landmarks).astype(np.float32)
    told = replace(TASK, landmarks=landmarks)
    assert keys(TASK) != keys(other)
    assert keys(TASK) != keys(told) != keys(replace(TASK, landmarks=-landmarks))
    assert keys(replace(TASK, blind=True)) == keys(replace(other, blind=True)) == keys(replace(told, blind=True))


def test_columns_rank_as_candidates_scored_one_by_one(opinionated: Comparator) -> None:
    columns = sample_columns(400, np.random.default_rng(2))
    scores = []
    for genotype in columns:
        graph = encode_genotypes([genotype], vocabulary=opinionated.vocabulary)
        said = opinionated.predict(graph, task=TASK)
        scores.append(float(said.score) + np.log1p(-float(said.failure)))
    alone = dict(zip([genotype.key for genotype in columns], scores, strict=True))
    for candidates in (columns, list(columns)):
        ranking = rank_candidates(opinionated, candidates, TASK)
        in_order = [alone[genotype.key] for genotype in ranking.genotypes]
        np.testing.assert_allclose(ranking.scores, in_order, atol=1e-5)
        assert np.diff(in_order).max() < 1e-6  # what differs by more than rounding is in the same order
        assert len(set(alone) & {genotype.key for genotype in ranking.genotypes}) == 400


def test_neither_parts_nor_threads_change_the_ranking(opinionated: Comparator) -> None:
    columns = sample_columns(700, np.random.default_rng(4))
    n_threads = torch.get_num_threads()
    rankings = []
    try:
        for threads, batch in ((1, 700), (2, 700), (1, 64)):
            torch.set_num_threads(threads)
            rankings.append(rank_candidates(opinionated, columns, TASK, batch=batch))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(n_threads)
    for other in rankings[1:]:
        np.testing.assert_allclose(other.scores, rankings[0].scores, atol=1e-5)
        np.testing.assert_allclose(other.failure, rankings[0].failure, atol=1e-5)
        np.testing.assert_allclose(other.gain, rankings[0].gain, atol=1e-4)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_work_on_threads_is_done_once_and_its_errors_come_through(n_threads: int) -> None:
    before = torch.get_num_threads()
    done = np.zeros(50)
    inside = set()

    def work(piece: int) -> None:
        done[piece] += piece
        inside.add(torch.get_num_threads())

    with one_thread_a_product() as allowed:
        for_each(work, range(50), n_threads=n_threads)
    assert done.tolist() == list(range(50)) and inside == {1}
    assert allowed == before
    with pytest.raises(ZeroDivisionError), one_thread_a_product():
        for_each(lambda piece: done.fill(1 // piece), [1, 0, 2], n_threads=n_threads)
    assert torch.get_num_threads() == before


def test_twenty_thousand_candidates_take_seconds_at_most(opinionated: Comparator) -> None:
    start = time.process_time()
    rank_candidates(opinionated, sample_columns(20_000, np.random.default_rng(2)), TASK, top_k=10)
    assert time.process_time() - start < 6


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


def test_the_last_population_is_no_single_encoder(opinionated: Comparator) -> None:
    """A comparator that likes one encoder best is shown its strategies in some shades, and other encoders."""
    seeds = sample_columns(2_000, np.random.default_rng(3))
    ranking = rank_candidates(opinionated, seeds, TASK, top_k=1)
    shades = [replace(ranking.genotypes[0], train=replace(seeds[at].train)) for at in range(200)]
    last = evolve(opinionated, [*shades, *seeds[:60]], TASK, np.random.default_rng(0), generations=3, population=60)
    counts = Counter(genotype.design for genotype in last.genotypes)
    assert len(last) == 60 and max(counts.values()) <= SHADES and last.scores[0] >= ranking.scores[0]
    assert [*last.scores] == sorted(last.scores, reverse=True)


def test_where_designs_are_fewer_than_places_shades_have_the_others(candidates: list[Genotype]) -> None:
    first = candidates[0]
    shades = [replace(first, encoder=replace(first.encoder, hidden=hidden)) for hidden in (48, 96, 192)]
    other = next(one for one in candidates if one.design != first.design)
    pool = [first, *shades, other]
    assert differing(pool, 5) == [0, 4, 1, 2, 3] and differing(pool, 5, shades=2) == [0, 1, 4, 2, 3]
    assert differing(pool, 2) == [0, 4] and differing(pool[:4], 3) == [0, 1, 2] and differing([], 3) == []


def test_refuses(opinionated: Comparator, candidates: list[Genotype]) -> None:
    with pytest.raises(ValueError, match="rank_candidates: at least one candidate"):
        rank_candidates(opinionated, [], TASK)
    with pytest.raises(ValueError, match="top_k must be at least 1, got 0"):
        rank_candidates(opinionated, candidates, TASK, top_k=0)
    with pytest.raises(ValueError, match="evolve: needs at least 1 seed"):
        evolve(opinionated, [], TASK, np.random.default_rng(0))


def without(comparator: Comparator, *names: str) -> Comparator:
    """A comparator that lacks these columns and thinks alike of the others."""
    kept = [at for at, column in enumerate(comparator.vocabulary.columns) if column.partition(".")[0] not in names]
    columns = tuple(comparator.vocabulary.columns[at] for at in kept)
    scales = {name: scale for name, scale in comparator.vocabulary.scales.items() if name in columns}
    smaller = Comparator(Vocabulary(columns, scales), settings=comparator.settings).eval()
    n = len(comparator.vocabulary)
    state = comparator.state_dict()
    for name, value in smaller.state_dict().items():
        ours = state[name]
        at = [axis for axis in range(value.ndim) if value.shape[axis] != ours.shape[axis]]
        if at:  # features come first
            places = [*kept, *range(n, ours.shape[at[0]])]
            ours = ours.index_select(at[0], torch.tensor(places))
        value.copy_(ours)
    return smaller


def test_an_option_that_the_comparator_lacks_is_ranked_as_the_mean_of_its_kind(
    opinionated: Comparator, candidates: list[Genotype]
) -> None:
    ignorant = without(opinionated, "readout/ppv", "augmentation/jitter")
    with pytest.warns(UnlearnedWarning, match=r"never learned about augmentation jitter, readout ppv; each") as caught:
        ranking = rank_candidates(ignorant, candidates, TASK)
    assert len(caught) == 1 and len(ranking) == len(candidates)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # told once
        rank_candidates(ignorant, candidates, TASK)
        evolve(ignorant, candidates[:20], TASK, np.random.default_rng(0), generations=2, population=10, children=10)
        known = [g for g in candidates if g.encoder.readout != "ppv" and "jitter" not in str((g.aug1, g.aug2))]
        rank_candidates(without(opinionated, "readout/ppv", "augmentation/jitter"), known, TASK)
    # those without the missing options are scored as before
    before = rank_candidates(opinionated, known, TASK, failure_weight=0.0)
    after = rank_candidates(ignorant, known, TASK, failure_weight=0.0)
    assert [g.key for g in after.genotypes] == [g.key for g in before.genotypes]
    np.testing.assert_allclose(after.scores, before.scores, atol=1e-5)


def test_many_lacking_options_make_one_sentence_of_bounded_length() -> None:
    names = [f"operator of_no_comparator_{at}" for at in range(500)]
    assert str(UnlearnedWarning(names[:9])).count("operator of_no_comparator_") == 8
    said = str(UnlearnedWarning(names))
    assert "operator of_no_comparator_104 and 492 more; each is ranked as the mean" in said and len(said) < 400


def test_an_evolution_across_regions_stays_in_the_space(opinionated: Comparator) -> None:
    space = default_space()
    seeds = [g for product in space.products for g in sample_candidates(10, np.random.default_rng(0), product)]
    last = evolve(opinionated, seeds, TASK, np.random.default_rng(1), generations=3, population=60, children=100)
    regions = [[product.holds(genotype) for product in space.products] for genotype in last.genotypes]
    assert all(sum(held) == 1 for held in regions)
    assert last.n_ranked > 250  # a cross that no region holds costs no child
    # what comes from outside stays outside, as ever
    outside = [preset("simclr"), preset("vicreg")]
    last = evolve(opinionated, outside, TASK, np.random.default_rng(1), generations=1, population=20, children=20)
    assert not any(space.holds(genotype) for genotype in last.genotypes)


def test_what_cannot_mutate_has_no_children(opinionated: Comparator) -> None:
    full = full_space().restrict({"PairCell.kernel": 3})
    one = {cell: {name: values[:1] for name, values in fields.items()} for cell, fields in full.to_dict().items()}
    one["AugCell1"] = {"options": ["crop", "jitter"], "lengths": [0, 2], "crop.ratio": 0.1, "jitter.sigma": 0.1}
    one["AugCell2"]["lengths"], one["LossCell"]["loss"] = [0], ["info_nce"]
    only = full.restrict(one)
    seeds = list(every_genotype(only))
    assert len(seeds) == 3
    kept = evolve(opinionated, seeds[:1], TASK, np.random.default_rng(0), space=only, generations=3, children=20)
    assert kept.genotypes == tuple(seeds[:1])  # the others are two steps away
