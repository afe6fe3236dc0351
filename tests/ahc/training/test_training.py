"""The comparator learns planted rules, and only what the records can teach."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ahc.comparator import Comparator, ComparatorSettings
from ahc.evaluation.rank_metrics import kendall
from ahc.graphs.encoding import encode_genotypes
from ahc.graphs.vocabulary import Vocabulary
from ahc.ranking import rank_candidates
from ahc.record import TrialRecord
from ahc.training.comparators import train_comparator
from ahc.training.members import TrainingSettings
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from search_space.space import SearchSpace

Statistics = NDArray[np.float64]
Plant = Callable[..., tuple[list[TrialRecord], dict[str, NDArray[np.float32]]]]
MakeRecord = Callable[..., TrialRecord]
SMALL = ComparatorSettings(task_features=0, members=2, hidden=24)
TINY = ComparatorSettings(task_features=0, members=1, hidden=16, layers=2)
UNGATED = TrainingSettings(fit_gate=False, epochs=30)


def task_blind_rule(genotype: Genotype, _: Statistics) -> float:
    encoder = genotype.encoder
    return 1.2 * (encoder.readout == "max") + 0.6 * np.log2(encoder.hidden / 16) - 0.7 * (genotype.embed.norm == "l2")


def task_dependent_rule(genotype: Genotype, statistics: Statistics) -> float:
    wide = np.log2(genotype.encoder.hidden / 32) / 1.5
    depth = (len(genotype.encoder.edges) + 1) // 2 - 3
    return 2.0 * statistics[0] * wide + 0.3 * depth + 1.5 * statistics[1] * (genotype.encoder.channels == "mixed")


def tau(comparator: Comparator, fresh: list[Genotype], *, target: list[float], task: Statistics, blind: bool) -> float:
    ranking = rank_candidates(comparator, fresh, task.astype(np.float32), task_blind=blind)
    place = {genotype.key: at for at, genotype in enumerate(ranking.genotypes)}
    predicted = np.array([-float(place[genotype.key]) for genotype in fresh])
    return kendall(np.array(target), predicted=predicted)


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
    target = [task_blind_rule(genotype, np.zeros(4)) for genotype in fresh]
    assert tau(comparator, fresh, target=target, task=np.zeros(4), blind=False) > 0.6


def test_a_task_dependent_rule_is_learnt_and_beats_the_task_blind_ranking(
    plant: Plant, pool: list[Genotype], fresh: list[Genotype]
) -> None:
    records, embeddings = plant(task_dependent_rule, pool=pool, n_tasks=12, n_candidates=40, noise=0.3)
    comparator = train_comparator(records, embeddings, rng_seed=1, sizes=SMALL, settings=UNGATED)
    rng = np.random.default_rng(9)
    aware, blind = [], []
    for _ in range(6):
        task = rng.uniform(-1, 1, size=4)
        target = [task_dependent_rule(genotype, task) for genotype in fresh]
        aware.append(tau(comparator, fresh, target=target, task=task, blind=False))
        blind.append(tau(comparator, fresh, target=target, task=task, blind=True))
    assert np.mean(aware) > 0.6
    assert np.mean(aware) > np.mean(blind) + 0.2


@pytest.mark.parametrize("foretold", [True, False])
def test_the_gate_opens_only_where_the_embedding_foretells_differences(
    plant: Plant, pool: list[Genotype], foretold: bool
) -> None:
    signs: dict[float, float] = {}

    def rule(genotype: Genotype, statistics: Statistics) -> float:
        own = float(statistics[0])
        # not foretold: the sign alternates among the tasks of either side, so the statistic says nothing of it
        earlier = sum(np.sign(other) == np.sign(own) for other in signs)
        sign = np.sign(own) if foretold else signs.setdefault(own, (-1.0) ** earlier)
        return task_blind_rule(genotype, statistics) + 1.5 * sign * (genotype.encoder.channels == "mixed")

    records, embeddings = plant(rule, pool=pool, n_tasks=10, n_candidates=30, noise=0.2)
    comparator = train_comparator(records, embeddings, rng_seed=0, sizes=TINY, epochs=12)
    assert (float(comparator.gate) >= 0.75) if foretold else (float(comparator.gate) <= 0.25)


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
    ranking = rank_candidates(comparator, fresh, embeddings["hash-t0"], failure_weight=8.0)
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


def test_p_first_better_is_antisymmetric_and_transitive(opinionated: Comparator, pool: list[Genotype]) -> None:
    comparator = opinionated
    task = torch.linspace(-1, 1, 5)
    first, second, third = (
        encode_genotypes(pool[start : start + 10], vocabulary=comparator.vocabulary) for start in (0, 10, 20)
    )

    def odds(a: object, b: object) -> torch.Tensor:
        return torch.logit(comparator.p_first_better(a, b, task_embedding=task))  # type: ignore[arg-type]

    torch.testing.assert_close(odds(first, second), -odds(second, first), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(odds(first, third), odds(first, second) + odds(second, third), rtol=1e-3, atol=1e-4)
    changed = comparator.p_first_better(first, second, task_embedding=-task)
    assert float((changed - torch.sigmoid(odds(first, second))).abs().max()) > 1e-4


def test_progress_is_told_and_facts_are_kept(plant: Plant, pool: list[Genotype]) -> None:
    records, embeddings = plant(task_blind_rule, pool=pool, n_tasks=4, n_candidates=10, noise=0.3)
    lines: list[str] = []
    comparator = train_comparator(records, embeddings, sizes=SMALL, epochs=2, progress=lines.append)
    assert [line.split(":")[0] for line in lines] == ["gate of the task-aware part", "member 1/2", "member 2/2"]
    assert comparator.facts.families == ("f0", "f1")
    assert comparator.facts.n_trials == len(records)


def test_refuses(make_record: MakeRecord, vocabulary: Vocabulary, pool: list[Genotype]) -> None:
    assert Comparator(vocabulary, settings=ComparatorSettings(task_features=150)).n_parameters < 200_000
    with pytest.raises(ValueError, match="at least one task needs two candidates"):
        train_comparator([make_record(pool[0])], {})
    with pytest.raises(ValueError, match="every task needs its embedding, missing for t0"):
        train_comparator([make_record(pool[0]), make_record(pool[1])], {})
    comparator = Comparator(vocabulary, settings=ComparatorSettings(task_features=6))
    with pytest.raises(ValueError, match=r"must be \(tasks, 6\), got \(1, 5\)"):
        comparator.coordinates(torch.zeros(1, 5))
