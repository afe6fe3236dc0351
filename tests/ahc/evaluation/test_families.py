"""Leave-one-family-out: no leak between families, and rivals that find planted rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from ahc.comparator import ComparatorSettings
from ahc.evaluation import families as evaluation
from ahc.evaluation.families import Evaluation, leave_one_family_out
from ahc.evaluation.rank_metrics import kendall
from ahc.evaluation.rivals import RIVALS, Question, task_coordinates
from ahc.graphs.flat import flat_features
from ahc.graphs.vocabulary import Vocabulary
from ahc.record import TrialRecord
from ahc.training.comparisons import genotypes_of, task_tables
from ahc.training.members import TrainingSettings
from search_space.genotype import Genotype

Statistics = NDArray[np.float64]
Bank = tuple[list[TrialRecord], dict[str, NDArray[np.float32]]]


def rule(genotype: Genotype, statistics: Statistics) -> float:
    wide = np.log2(genotype.encoder.hidden / 32) / 1.5
    return 3.5 * statistics[0] * wide + 1.0 * (genotype.encoder.readout == "max") + 0.3 * len(genotype.aug1)


@pytest.fixture(scope="module")
def bank(plant: Callable[..., Bank], candidates: list[Genotype]) -> Bank:
    return plant(rule, pool=candidates, n_tasks=10, n_candidates=40, noise=0.15)


@pytest.fixture(scope="module")
def judged(bank: Bank) -> tuple[Evaluation, list[tuple[set[str], str]]]:
    """The evaluation, and what the comparator was trained on each time."""
    seen: list[tuple[set[str], str]] = []
    train = evaluation.train_comparator
    records, embeddings = bank

    def spy(chosen: list[TrialRecord], *args: object, **kwargs: object) -> object:
        seen.append(({record.family for record in chosen}, "trained"))
        return train(chosen, *args, **kwargs)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "train_comparator", spy)
        lines: list[str] = []
        sizes = ComparatorSettings(task_features=0, members=1, hidden=16, layers=2)
        how = TrainingSettings(fit_gate=False, epochs=20)
        result = leave_one_family_out(records, embeddings, sizes=sizes, settings=how, progress=lines.append)
    assert len(lines) == 5
    return result, seen


def test_the_held_out_family_is_never_trained_on(judged: tuple[Evaluation, list[tuple[set[str], str]]]) -> None:
    everything = {f"f{at}" for at in range(5)}
    assert [everything - families for families, _ in judged[1]] == [{f"f{at}"} for at in range(5)]


def test_planted_rule_is_found_by_who_can(judged: tuple[Evaluation, list[tuple[set[str], str]]]) -> None:
    summary = judged[0].summary().set_index("ranker")
    assert summary.loc["comparator", "kendall"] > 0.45
    assert summary.loc["comparator", "kendall"] > summary.loc["comparator_task_blind", "kendall"] + 0.1
    assert summary.loc["comparator", "regret_1"] < summary.loc["random", "regret_1"] / 2
    assert summary.loc["ridge_task_aware", "kendall"] > summary.loc["ridge_task_blind", "kendall"]
    assert summary.loc["boosted_trees", "kendall"] > summary.loc["ridge_task_blind", "kendall"] + 0.05
    assert summary.loc["task_blind_average", "kendall"] > 0.2
    assert summary.loc["noise_ceiling", "n_tasks"] == 10
    assert (summary["kendall_low"] <= summary["kendall"]).all()
    assert (summary["kendall"] <= summary["kendall_high"]).all()
    assert summary.loc["comparator", "accuracy_gap_4"] > summary.loc["comparator", "accuracy_gap_1"]


def test_every_task_ranker_and_subset_has_a_row(judged: tuple[Evaluation, list[tuple[set[str], str]]]) -> None:
    table = judged[0].table
    rankers = {"comparator", "comparator_task_blind", "random", *RIVALS}
    for subset, n in (("all", 40), ("top", 10)):
        rows = table[(table["subset"] == subset) & (table["ranker"] != "noise_ceiling")]
        assert len(rows) == 10 * len(rankers)
        assert set(rows["ranker"]) == rankers
        assert set(rows["n_candidates"]) == {n}
    text = judged[0].to_markdown()
    assert text.count("\n| comparator |") == 3
    assert "Among the best quarter" in text


def test_rivals_answer_for_candidates_nobody_tried(
    bank: Bank, candidates: list[Genotype], vocabulary: Vocabulary
) -> None:
    records, embeddings = bank
    tables = task_tables(records)
    known, task = tables[:-1], tables[-1]
    stacked = np.stack([embeddings[t.task_hash] for t in tables]).astype(np.float64)
    placed = task_coordinates(stacked, n_known=len(known), weights=np.ones(4))
    genotypes = genotypes_of(records)
    flat = {
        key: row.astype(np.float64)
        for key, row in zip(genotypes, flat_features(list(genotypes.values()), vocabulary=vocabulary), strict=True)
    }
    question = Question(known, placed[:-1], placed[-1], task.keys, flat, 0)
    average = RIVALS["task_blind_average"](question)
    for at in (0, 7):
        own = [dict(zip(t.keys, t.standardised(), strict=True)).get(task.keys[at]) for t in known]
        assert average[at] == pytest.approx(np.mean([value for value in own if value is not None]))
    nearest = int(np.linalg.norm(placed[:-1] - placed[-1], axis=1).argmin())
    seen = dict(zip(known[nearest].keys, known[nearest].standardised(), strict=True))
    answer = RIVALS["nearest_task"](question)
    for key, value in zip(task.keys, answer, strict=True):
        assert np.isfinite(value)
        assert key not in seen or value == seen[key]
    # Coordinates keep distances of the standardised embeddings when no axis is dropped.
    standardised = (stacked - stacked[:-1].mean(axis=0)) / stacked[:-1].std(axis=0)
    expected = np.linalg.norm(standardised[0] - standardised[-1])
    assert np.linalg.norm(placed[0] - placed[-1]) == pytest.approx(expected)


def test_flat_features_count_options(candidates: list[Genotype], vocabulary: Vocabulary) -> None:
    operators = [name for name in vocabulary.columns if name.startswith("operator/")]
    names = [*vocabulary.columns, *(f"{place} {name}" for place in ("first", "last") for name in operators)]
    rows = flat_features(candidates, vocabulary=vocabulary)
    assert rows.shape == (len(candidates), len(names))
    for genotype, row in zip(candidates, rows, strict=True):
        edges = genotype.encoder.edges
        value = dict(zip(names, row, strict=True))
        assert value["vertex/operator"] == len(edges)
        assert value["vertex/augmentation"] == len(genotype.aug1) + len(genotype.aug2)
        for operator in {op for _, op in edges}:
            assert value[f"operator/{operator}"] == sum(op == operator for _, op in edges)
            assert value[f"first operator/{operator}"] == sum(op == operator for node, op in edges if node == 0)
            assert value[f"last operator/{operator}"] == sum(op == operator for _, op in edges[-2:])


def test_refuses_a_single_family(bank: Bank) -> None:
    records, embeddings = bank
    with pytest.raises(ValueError, match=r"at least 2 families .* got 1"):
        leave_one_family_out([record for record in records if record.family == "f0"], embeddings)


def test_a_perfect_ranking_has_no_regret(candidates: list[Genotype], bank: Bank) -> None:
    from ahc.evaluation.families import _measures

    scores = task_tables(bank[0])[0].scores
    perfect = _measures(scores, predicted=scores, unit=0.1)
    assert (perfect["kendall"], perfect["regret_1"], perfect["pairwise_accuracy"]) == (pytest.approx(1.0), 0.0, 1.0)
    assert kendall(scores, predicted=-scores) == pytest.approx(-1.0)
