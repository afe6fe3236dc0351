"""Synthetic banks with a planted scoring rule, and the vocabulary of what is registered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ahc.comparator import Comparator, ComparatorSettings
from ahc.graphs.vocabulary import Vocabulary
from ahc.record import TrialRecord
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from search_space.space import default_space

Rule = Callable[[Genotype, NDArray[np.float64]], float]
MakeRecord = Callable[..., TrialRecord]
Planted = tuple[list[TrialRecord], dict[str, NDArray[np.float32]]]


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary.from_registry()


@pytest.fixture(scope="session")
def candidates() -> list[Genotype]:
    return sample_candidates(60, np.random.default_rng(11), default_space()["graphs"])


@pytest.fixture(scope="session")
def opinionated(vocabulary: Vocabulary) -> Comparator:
    """A comparator of five task features with opinions: untrained ones score every candidate alike."""
    made = Comparator(vocabulary, settings=ComparatorSettings(task_features=5, members=2)).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    made.task_basis.copy_(torch.randn(5, 8, generator=generator))
    return made


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    def make(genotype: Genotype, *, task: str = "t0", family: str | None = None, **changes: object) -> TrialRecord:
        facts: dict[str, object] = {
            "genotype": genotype.to_dict(),
            "genotype_key": genotype.key,
            "task_name": task,
            "task_hash": f"hash-{task}",
            "family": family or f"family-{task}",
            "kind": "classification",
            "protocol": "p1",
            "metric": "accuracy",
            "higher_is_better": True,
            "iterations": 600,
            "rng_seed": 0,
            "score": 0.5,
            "created": "2025-01-01T00:00:00+00:00",
        }
        return TrialRecord(**{**facts, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def plant(make_record: MakeRecord) -> Callable[..., Planted]:
    """Return a maker of banks: tasks are 4 independent statistics, scores follow a rule plus noise."""

    def build(
        rule: Rule, *, pool: Sequence[Genotype], n_tasks: int, n_candidates: int, noise: float, rng_seed: int = 0
    ) -> Planted:
        rng = np.random.default_rng(rng_seed)
        records: list[TrialRecord] = []
        embeddings: dict[str, NDArray[np.float32]] = {}
        for number in range(n_tasks):
            task = f"t{number}"
            statistics = rng.uniform(-1, 1, size=4)
            embeddings[f"hash-{task}"] = statistics.astype(np.float32)
            for at, index in enumerate(rng.permutation(len(pool))[:n_candidates]):
                genotype = pool[int(index)]
                for rng_seed_of_trial in range(2 if at < 6 else 1):
                    score = 0.6 + 0.1 * rule(genotype, statistics) + 0.1 * noise * rng.normal()
                    facts = {"score": float(score), "untrained_score": 0.55, "rng_seed": rng_seed_of_trial}
                    records.append(make_record(genotype, task=task, family=f"f{number // 2}", **facts))
        return records, embeddings

    return build
