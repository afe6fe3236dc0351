"""Families held out: no leak between them, and rivals that find planted rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from ahc.comparator import ComparatorSettings
from ahc.evaluation import families as evaluation
from ahc.evaluation.families import Evaluation, leave_families_out
from ahc.evaluation.judging import GAIN, LANDMARKS, OWN, ZERO_SHOT, measures_of
from ahc.evaluation.rank_metrics import kendall
from ahc.evaluation.rivals import GAIN_RIVALS, RIVALS, Asked, Known, task_coordinates
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


def gain(genotype: Genotype, statistics: Statistics) -> float:
    del statistics
    return 0.5 * (genotype.loss.similarity == "cosine") + 0.3 * (genotype.encoder.readout == "mean")


@pytest.fixture(scope="module")
def bank(plant: Callable[..., Bank], candidates: list[Genotype]) -> Bank:
    return plant(rule, pool=candidates, n_tasks=10, n_candidates=40, noise=0.15, gain=gain)


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
        sizes = ComparatorSettings(task_features=0, members=1, hidden=16, layers=1)
        how = TrainingSettings(fit_gates=False, epochs=20)
        result = leave_families_out(records, embeddings, sizes=sizes, settings=how, progress=lines.append)
    assert len(lines) == 5
    return result, seen


def test_the_held_out_family_is_never_trained_on(judged: tuple[Evaluation, list[tuple[set[str], str]]]) -> None:
    everything = {f"f{at}" for at in range(5)}
    # the comparator and the one without a graph
    assert [everything - families for families, _ in judged[1]] == [{f"f{at // 2}"} for at in range(10)]


def test_planted_rule_is_found_by_who_can(judged: tuple[Evaluation, list[tuple[set[str], str]]]) -> None:
    summary = judged[0].summary().set_index("ranker")
    assert summary.loc["comparator", "kendall"] > 0.45
    assert summary.loc["comparator", "kendall"] > summary.loc["comparator_task_blind", "kendall"] + 0.1
    assert summary.loc["comparator", "regret_1"] < summary.loc["random", "regret_1"] / 2
    assert summary.loc["ridge_task_aware", "kendall"] > summary.loc["ridge_task_blind", "kendall"]
    assert summary.loc["boosted_trees", "kendall"] > summary.loc["ridge_task_blind", "kendall"] + 0.05
    assert summary.loc["similar_tasks", "kendall"] > 0.2 and summary.loc["task_blind_average", "kendall"] > 0.2
    ceilings = {subset: judged[0].summary(subset).set_index("ranker").loc["noise_ceiling"] for subset in ("all", "top")}
    assert ceilings["all"]["n_tasks"] == ceilings["top"]["n_tasks"] == 10
    assert 0 < ceilings["top"]["kendall"] < ceilings["all"]["kendall"] < 1
    assert (summary["kendall_low"] <= summary["kendall"]).all()
    assert (summary["kendall"] <= summary["kendall_high"]).all()
    assert summary.loc["comparator", "accuracy_gap_4"] > summary.loc["comparator", "accuracy_gap_1"]


def test_every_task_ranker_and_subset_has_a_row(judged: tuple[Evaluation, list[tuple[set[str], str]]]) -> None:
    table = judged[0].table
    rankers = {"comparator", "comparator_without_graph", "random", *RIVALS}
    for question, more in ((ZERO_SHOT, {"comparator_task_blind"}), (LANDMARKS, set())):
        for subset, n in (("all", 40), ("top", 10)):
            chosen = (table["subset"] == subset) & (table["question"] == question)
            rows = table[chosen & (table["ranker"] != "noise_ceiling")]
            assert len(rows) == 10 * len(rankers | more)
            assert set(rows["ranker"]) == rankers | more
            assert set(rows["n_candidates"]) == {n}
    gains = {"comparator", "comparator_without_graph", "random", *GAIN_RIVALS}
    for question in (OWN, GAIN):
        rows = table[(table["subset"] == "all") & (table["question"] == question)]
        assert set(rows["ranker"]) - {"noise_ceiling"} == gains
    foreseen = judged[0].summary(question=GAIN).set_index("ranker")["spearman"]
    assert foreseen["comparator"] > 0.3 and foreseen["ridge"] > 0.3
    text = judged[0].to_markdown()
    assert "Nothing was run on the task; among the best quarter" in text and "whom training helps most" in text


def test_families_are_held_out_once_each_in_few_parts(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    train = evaluation.train_comparator

    def spy(chosen: list[TrialRecord], *args: object, **kwargs: object) -> object:
        seen.append({record.family for record in chosen})
        return train(chosen, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluation, "train_comparator", spy)
    how = {
        "sizes": ComparatorSettings(task_features=0, members=1, hidden=4, layers=1),
        "settings": TrainingSettings(fit_gates=False, epochs=1),
        "rivals": {},
        "gain_rivals": {},
    }
    judged = leave_families_out(*bank, folds=2, most_tasks=3, **how)  # type: ignore[arg-type]
    everything = {f"f{at}" for at in range(5)}
    # the two parts, each for both comparators; of what is left, three tasks teach
    assert len(seen) == 4 and seen[0] == seen[1] and all(0 < len(families) <= 3 for families in seen)
    counts = judged.table[judged.table["ranker"] == "comparator"].groupby(["question", "subset", "task"]).size()
    assert (counts == 1).all() and set(judged.table["family"]) == everything


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
    lessons, asked = Known(known, placed[:-1], flat, 0), Asked(task.keys, placed[-1])
    average = RIVALS["task_blind_average"](lessons)(asked)
    for at in (0, 7):
        own = [dict(zip(t.keys, t.standardised(), strict=True)).get(task.keys[at]) for t in known]
        assert average[at] == pytest.approx(np.mean([value for value in own if value is not None]))
    nearest = int(np.linalg.norm(placed[:-1] - placed[-1], axis=1).argmin())
    seen = dict(zip(known[nearest].keys, known[nearest].standardised(), strict=True))
    answer = RIVALS["nearest_task"](lessons)(asked)
    for key, value in zip(task.keys, answer, strict=True):
        assert np.isfinite(value)
        assert key not in seen or value == seen[key]
    assert all(np.isfinite(rival(lessons)(asked)).all() for rival in RIVALS.values())
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
        leave_families_out([record for record in records if record.family == "f0"], embeddings)


def test_a_perfect_ranking_has_no_regret(candidates: list[Genotype], bank: Bank) -> None:
    scores = task_tables(bank[0])[0].scores
    perfect = measures_of(scores, predicted=scores, unit=0.1)
    assert (perfect["kendall"], perfect["regret_1"], perfect["pairwise_accuracy"]) == (pytest.approx(1.0), 0.0, 1.0)
    assert kendall(scores, predicted=-scores) == pytest.approx(-1.0)
