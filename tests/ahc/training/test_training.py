"""The comparator learns planted rules, and only what the records can teach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ahc.comparator import Comparator, ComparatorSettings, Prediction, TaskView
from ahc.evaluation.rank_metrics import kendall
from ahc.graphs.encoding import encode_genotypes
from ahc.ranking import rank_candidates
from ahc.record import TrialRecord
from ahc.training.comparators import train_comparator
from ahc.training.comparisons import task_tables
from ahc.training.members import TrainingSettings, order_loss, task_labels
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from search_space.space import SearchSpace

Statistics = NDArray[np.float64]
Plant = Callable[..., tuple[list[TrialRecord], dict[str, NDArray[np.float32]]]]
MakeRecord = Callable[..., TrialRecord]
TINY = ComparatorSettings(task_features=0, members=1, hidden=16, layers=2)
PAIR = replace(TINY, members=2)
UNGATED = TrainingSettings(fit_gates=False, epochs=30, tasks_per_step=2)
NOWHERE = TaskView(np.zeros(4, dtype=np.float32))


def task_blind_rule(genotype: Genotype, _: Statistics) -> float:
    encoder = genotype.encoder
    return 1.2 * (encoder.readout == "max") + 0.6 * np.log2(encoder.hidden / 16) - 0.7 * (genotype.embed.norm == "l2")


def said(comparator: Comparator, genotypes: list[Genotype], *, task: TaskView) -> Prediction:
    return comparator.predict(encode_genotypes(genotypes, vocabulary=comparator.vocabulary), task=task)


@pytest.fixture(scope="module")
def pool(planted: SearchSpace) -> list[Genotype]:
    return sample_candidates(500, np.random.default_rng(21), planted)


@pytest.fixture(scope="module")
def fresh(planted: SearchSpace) -> list[Genotype]:
    return sample_candidates(150, np.random.default_rng(22), planted)


def test_a_task_blind_rule_is_learnt_from_noisy_labels(
    plant: Plant, pool: list[Genotype], fresh: list[Genotype]
) -> None:
    records, embeddings = plant(task_blind_rule, pool=pool, n_tasks=8, n_candidates=30, noise=0.3)
    comparator = train_comparator(records, embeddings, rng_seed=1, sizes=TINY, settings=UNGATED)
    target = np.array([task_blind_rule(genotype, np.zeros(4)) for genotype in fresh])
    assert kendall(target, predicted=said(comparator, fresh, task=NOWHERE).score.numpy()) > 0.6


def test_gains_are_learnt_beside_what_untrained_encoders_are_worth(
    plant: Plant, pool: list[Genotype], fresh: list[Genotype]
) -> None:
    def gain(genotype: Genotype, _: Statistics) -> float:
        return 1.5 * (genotype.encoder.channels == "mixed") - 0.5 * (genotype.encoder.normalization == "last")

    records, embeddings = plant(task_blind_rule, pool=pool, n_tasks=8, n_candidates=40, noise=0.2, gain=gain)
    # half of the candidates are only probed: that tells of them as they are, and nothing of what training would add
    at = {key: number for number, key in enumerate(sorted({record.genotype_key for record in records}))}
    mixed = [
        replace(one, iterations=0, score=one.untrained_score) if at[one.genotype_key] % 2 else one for one in records
    ]
    comparator = train_comparator(mixed, embeddings, rng_seed=1, sizes=TINY, settings=UNGATED)
    prediction = said(comparator, fresh, task=NOWHERE)
    worth, gained = np.array([[rule(g, np.zeros(4)) for g in fresh] for rule in (task_blind_rule, gain)])
    assert kendall(worth, predicted=prediction.untrained.numpy()) > 0.6
    assert np.corrcoef(gained, prediction.gain.numpy())[0, 1] > 0.8
    assert kendall(worth + gained, predicted=prediction.score.numpy()) > 0.6
    assert abs(np.corrcoef(gained, prediction.untrained.numpy())[0, 1]) < 0.3


def test_seconds_of_a_probe_are_foretold_in_logarithms(
    make_record: MakeRecord, pool: list[Genotype], fresh: list[Genotype]
) -> None:
    def seconds(genotype: Genotype) -> float:
        return 0.01 * genotype.encoder.hidden * (4.0 if genotype.encoder.channels == "independent" else 1.0)

    records = []
    for task in range(3):
        speed = 10.0**task  # of the task's machine
        for at, genotype in enumerate(pool[task * 60 : task * 60 + 60]):
            facts = {"iterations": 0 if at % 4 else 600, "seconds": speed * seconds(genotype) * (1 if at % 4 else 1e3)}
            records.append(make_record(genotype, task=f"t{task}", score=0.5 + at / 1000, **facts))
    embeddings = {f"hash-t{task}": np.zeros(4, dtype=np.float32) for task in range(3)}
    comparator = train_comparator(records, embeddings, sizes=TINY, epochs=3)
    foretold = said(comparator, fresh, task=NOWHERE).seconds.numpy()
    true = np.log([seconds(genotype) for genotype in fresh])
    assert np.corrcoef(true, foretold)[0, 1] > 0.9
    assert np.polyfit(true, foretold, 1)[0] == pytest.approx(1.0, abs=0.2)
    assert np.median(foretold) == pytest.approx(0.0, abs=0.5)


def test_without_a_timed_probe_all_candidates_take_equally_long(
    plant: Plant, pool: list[Genotype], fresh: list[Genotype]
) -> None:
    records, embeddings = plant(task_blind_rule, pool=pool, n_tasks=2, n_candidates=10, noise=0.2)
    comparator = train_comparator(records, embeddings, sizes=TINY, epochs=1)
    seconds = said(comparator, fresh, task=NOWHERE).seconds
    assert torch.equal(seconds, torch.zeros(len(fresh)))


def test_failures_are_foretold_and_sunk(make_record: MakeRecord, pool: list[Genotype], fresh: list[Genotype]) -> None:
    def fails(genotype: Genotype) -> bool:
        return genotype.encoder.readout == "mean"

    records = []
    rng = np.random.default_rng(3)
    for task in range(4):
        for genotype in pool[task * 50 : task * 50 + 50]:
            facts = {"status": "diverged", "score": None} if fails(genotype) else {"score": float(rng.normal())}
            records.append(make_record(genotype, task=f"t{task}", **facts))
    embeddings = {f"hash-t{task}": rng.normal(size=5).astype(np.float32) for task in range(4)}
    comparator = train_comparator(records, embeddings, sizes=TINY, epochs=3)
    ranking = rank_candidates(comparator, fresh, TaskView(embeddings["hash-t0"]), failure_weight=8.0)
    failing = np.array([fails(genotype) for genotype in ranking.genotypes])
    assert ranking.failure[failing].mean() > ranking.failure[~failing].mean() + 0.3
    assert np.flatnonzero(failing).mean() > np.flatnonzero(~failing).mean() + 30


def test_same_seed_same_comparator_and_global_randomness_untouched(plant: Plant, pool: list[Genotype]) -> None:
    records, embeddings = plant(task_blind_rule, pool=pool, n_tasks=4, n_candidates=12, noise=0.3)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = train_comparator(records, embeddings, rng_seed=3, sizes=TINY, epochs=2)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    again = train_comparator(records, embeddings, rng_seed=3, sizes=TINY, epochs=2)
    other = train_comparator(records, embeddings, rng_seed=4, sizes=TINY, epochs=2)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    assert not torch.equal(
        torch.nn.utils.parameters_to_vector(first.parameters()), torch.nn.utils.parameters_to_vector(other.parameters())
    )


def test_pairs_of_candidates_that_landmarks_tell_of_are_not_judged(
    make_record: MakeRecord, pool: list[Genotype]
) -> None:
    records = [make_record(genotype, untrained_score=at / 10) for at, genotype in enumerate(pool[:8])]
    (table,) = task_tables(records)
    told, rows = set(table.keys[:3]), {key: row for row, key in enumerate(table.keys)}
    facts = {"coordinates": torch.zeros(2), "landmarks": torch.zeros(12), "rows": rows}
    labels, all_asked = task_labels(table, told=told, **facts), task_labels(table, told=set(), **facts)
    right = labels.untrained
    wrong = torch.where(labels.told, -right, right)
    assert torch.equal(order_loss(labels, wrong), order_loss(labels, right))
    assert bool((order_loss(all_asked, wrong) > order_loss(all_asked, right)).all())
    assert bool((order_loss(labels, -right) > order_loss(labels, right)).all())


def test_labels_are_of_untrained_encoders_where_they_are_known(make_record: MakeRecord, pool: list[Genotype]) -> None:
    untrained = [0.1, 0.2, 0.3, 0.4, None]
    records = [make_record(g, score=0.9, untrained_score=u) for g, u in zip(pool, untrained, strict=False)]
    (table,) = task_tables(records)
    rows = {key: 10 * row for row, key in enumerate(table.keys)}
    labels = task_labels(table, coordinates=torch.ones(2), landmarks=torch.ones(12), told=set(), rows=rows)
    values = np.where(np.isfinite(table.untrained), table.untrained, 0.9)
    np.testing.assert_allclose(labels.untrained, table.standardised(values), rtol=1e-6)
    np.testing.assert_allclose(labels.p_better, table.p_better(values), atol=1e-6)
    np.testing.assert_allclose(labels.gains, table.standardised_gains(), rtol=1e-6)
    assert labels.graphs.tolist() == [0, 10, 20, 30, 40] and int(torch.isnan(labels.gains).sum()) == 1
    shown, hidden = (labels.place(landmarks=landmarks, gate=0.5) for landmarks in (True, False))
    assert shown.landmarks.all() and not hidden.landmarks.any() and hidden.coordinates.all()


def test_progress_is_told_and_facts_are_kept(plant: Plant, pool: list[Genotype]) -> None:
    records, embeddings = plant(task_blind_rule, pool=pool, n_tasks=4, n_candidates=10, noise=0.3)
    lines: list[str] = []
    comparator = train_comparator(records, embeddings, sizes=PAIR, epochs=2, progress=lines.append)
    begins = [line.split(":")[0] for line in lines]
    trust = ["gates of the task-aware part", "error of a score on unseen families"]
    assert begins == [*trust, "member 1/2", "member 2/2"]
    assert comparator.facts.families == ("f0", "f1")
    assert comparator.facts.n_trials == len(records)


def test_refuses(make_record: MakeRecord, pool: list[Genotype]) -> None:
    with pytest.raises(ValueError, match="at least one task needs two candidates"):
        train_comparator([make_record(pool[0])], {})
    with pytest.raises(ValueError, match="every task needs its embedding, missing for t0"):
        train_comparator([make_record(pool[0]), make_record(pool[1])], {})
