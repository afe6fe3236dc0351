"""What depends on the task is learnt where it can be foretold, and trusted no further than that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ahc.comparator import Comparator, ComparatorSettings, TaskView
from ahc.evaluation.rank_metrics import kendall
from ahc.landmarks import landmark_vector, probes
from ahc.ranking import rank_candidates
from ahc.record import TrialRecord
from ahc.training.comparators import landmarks_of, told_by_landmarks, train_comparator
from ahc.training.comparisons import genotypes_of, task_tables
from ahc.training.members import TrainingSettings
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from search_space.space import SearchSpace

Statistics = NDArray[np.float64]
Embeddings = dict[str, NDArray[np.float32]]
Bank = tuple[list[TrialRecord], Embeddings]
Plant = Callable[..., Bank]
MakeRecord = Callable[..., TrialRecord]
KIND = "classification"
SMALL = ComparatorSettings(task_features=0, members=2, hidden=24)
TINY = ComparatorSettings(task_features=0, members=1, hidden=16, layers=2)
UNGATED = TrainingSettings(fit_gates=False, epochs=30, tasks_per_step=2)


def mixed_or_not(genotype: Genotype, statistics: Statistics) -> float:
    """Which channels suit a task is a matter of the sign of its first statistic."""
    return 1.5 * np.sign(statistics[0]) * (genotype.encoder.channels == "mixed") + 0.6 * (
        genotype.encoder.readout == "max"
    )


def landmarks_by_rule(statistics: Statistics) -> NDArray[np.float32]:
    return landmark_vector({g.untrained_key: mixed_or_not(g, statistics) for g in probes(KIND)}, kind=KIND)


def saying_nothing(embeddings: Embeddings) -> Embeddings:
    """Return embeddings that tasks of either sign have alike."""
    drawn = np.random.default_rng(5).uniform(-1, 1, size=(len(embeddings), 4)).astype(np.float32)
    counts = {True: 0, False: 0}
    said = {}
    for name, statistics in embeddings.items():
        sign = bool(statistics[0] > 0)
        said[name] = drawn[counts[sign]]
        counts[sign] += 1
    return said


def tau(comparator: Comparator, fresh: list[Genotype], *, target: list[float], task: TaskView) -> float:
    ranking = rank_candidates(comparator, fresh, task)
    place = {genotype.key: at for at, genotype in enumerate(ranking.genotypes)}
    return kendall(np.array(target), predicted=np.array([-float(place[genotype.key]) for genotype in fresh]))


@pytest.fixture(scope="module")
def pool(planted: SearchSpace) -> list[Genotype]:
    return sample_candidates(500, np.random.default_rng(21), planted)


@pytest.fixture(scope="module")
def fresh(planted: SearchSpace) -> list[Genotype]:
    return sample_candidates(100, np.random.default_rng(22), planted)


@pytest.fixture(scope="module")
def told(plant: Plant, pool: list[Genotype]) -> Bank:
    """A bank whose embeddings say nothing of the rule, while the scores of the fixed probes do."""
    records, embeddings = plant(mixed_or_not, pool=pool, n_tasks=16, n_candidates=24, noise=0.2, probed=probes(KIND))
    return records, saying_nothing(embeddings)


def test_a_rule_of_the_embedding_is_learnt_and_beats_the_blind_ranking(
    plant: Plant, pool: list[Genotype], fresh: list[Genotype]
) -> None:
    def rule(genotype: Genotype, statistics: Statistics) -> float:
        wide = np.log2(genotype.encoder.hidden / 32) / 1.5
        depth = (len(genotype.encoder.edges) + 1) // 2 - 3
        return 2.0 * statistics[0] * wide + 0.3 * depth + 1.5 * statistics[1] * (genotype.encoder.channels == "mixed")

    records, embeddings = plant(rule, pool=pool, n_tasks=12, n_candidates=40, noise=0.3)
    comparator = train_comparator(records, embeddings, rng_seed=1, sizes=SMALL, settings=UNGATED)
    rng = np.random.default_rng(9)
    aware, blind = [], []
    for _ in range(6):
        statistics = rng.uniform(-1, 1, size=4)
        target = [rule(genotype, statistics) for genotype in fresh]
        for kept, is_blind in ((aware, False), (blind, True)):
            task = TaskView(statistics.astype(np.float32), blind=is_blind)
            kept.append(tau(comparator, fresh, target=target, task=task))
    assert np.mean(aware) > 0.6
    assert np.mean(aware) > np.mean(blind) + 0.2


def test_a_rule_of_the_landmarks_is_found_with_them_and_not_without(told: Bank, fresh: list[Genotype]) -> None:
    comparator = train_comparator(*told, rng_seed=1, sizes=TINY, settings=UNGATED)
    rng = np.random.default_rng(9)
    known, unknown = [], []
    for _ in range(8):
        statistics = rng.uniform(-1, 1, size=4)
        target = [mixed_or_not(genotype, statistics) for genotype in fresh]
        embedding = rng.uniform(-1, 1, size=4).astype(np.float32)
        known.append(tau(comparator, fresh, target=target, task=TaskView(embedding, landmarks_by_rule(statistics))))
        unknown.append(tau(comparator, fresh, target=target, task=TaskView(embedding)))
    assert np.mean(known) > 0.5
    assert np.mean(known) > np.mean(unknown) + 0.3


def test_landmarks_open_their_own_gate(told: Bank) -> None:
    comparator = train_comparator(*told, sizes=TINY, epochs=15)
    without, with_landmarks = comparator.gates.tolist()
    assert without <= 0.25 and with_landmarks >= 0.75
    unknown, known = comparator.residual.tolist()
    assert known < unknown - 0.1  # what is foretold is no error


@pytest.mark.parametrize("foretold", [True, False])
def test_the_gates_open_only_where_the_embedding_foretells_differences(
    plant: Plant, pool: list[Genotype], foretold: bool
) -> None:
    records, embeddings = plant(mixed_or_not, pool=pool, n_tasks=12, n_candidates=30, noise=0.2)
    said = embeddings if foretold else saying_nothing(embeddings)
    comparator = train_comparator(records, said, sizes=TINY, epochs=15)
    for gate in comparator.gates.tolist():  # nobody tried the fixed probes: both are asked alike
        assert gate >= 0.75 if foretold else gate <= 0.25


def test_gates_stay_shut_where_all_tasks_are_alike(plant: Plant, pool: list[Genotype]) -> None:
    def rule(genotype: Genotype, _: Statistics) -> float:
        return 1.2 * (genotype.encoder.readout == "max")

    records, embeddings = plant(rule, pool=pool, n_tasks=10, n_candidates=24, noise=0.5, probed=probes(KIND))
    comparator = train_comparator(records, embeddings, sizes=TINY, epochs=15)
    assert max(comparator.gates.tolist()) <= 0.25


def test_fewer_than_four_families_say_nothing_of_trust(plant: Plant, pool: list[Genotype]) -> None:
    records, embeddings = plant(mixed_or_not, pool=pool, n_tasks=6, n_candidates=8, noise=0.2)
    comparator = train_comparator(records, embeddings, sizes=TINY, epochs=1)
    assert comparator.facts.families == ("f0", "f1", "f2")
    assert comparator.gates.tolist() == comparator.residual.tolist() == [1.0, 1.0] and comparator.sharpness == 1.0


def test_a_bank_of_nothing_but_fixed_probes_teaches_without_saying_whom_to_trust(plant: Plant) -> None:
    records, embeddings = plant(mixed_or_not, pool=probes(KIND), n_tasks=8, n_candidates=6, noise=0.2)
    comparator = train_comparator(records, embeddings, sizes=TINY, epochs=1)
    assert comparator.gates.tolist() == comparator.residual.tolist() == [1.0, 1.0]


def test_landmarks_in_a_bank_are_those_of_whoever_has_the_probe_s_encoder(make_record: MakeRecord) -> None:
    statistics = np.ones(4)
    records = []
    for at, probe in enumerate(probes(KIND)):
        # the same encoder for other trainings, of some of which nobody knows how it began
        twins = [replace(probe, train=replace(probe.train, learning_rate=rate)) for rate in (1e-4, 3e-4, 1e-3, 3e-3)]
        records.append(make_record(twins[at % 4], untrained_score=mixed_or_not(probe, statistics)))
        records += [make_record(twin) for twin in twins if twin != twins[at % 4]]
    (table,), genotypes = task_tables(records), genotypes_of(records)
    assert told_by_landmarks(table, genotypes) == set(table.keys) and len(table.keys) == 48
    np.testing.assert_array_equal(landmarks_of(table, genotypes), landmarks_by_rule(statistics))
