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
from search_space.space import SearchSpace

Rule = Callable[[Genotype, NDArray[np.float64]], float]
MakeRecord = Callable[..., TrialRecord]
Planted = tuple[list[TrialRecord], dict[str, NDArray[np.float32]]]


@pytest.fixture(scope="session")
def planted() -> SearchSpace:
    """Stated here, so that what is planted in it does not depend on what the default space holds."""
    strengths = {
        "crop.ratio": [0.1, 0.2, 0.3, 0.4, 0.5],
        "frequency_mask.ratio": [0.05, 0.1, 0.2, 0.3, 0.4],
        "jitter.sigma": [0.05, 0.1, 0.2, 0.3, 0.5],
        "point_mask.ratio": [0.05, 0.1, 0.2, 0.3, 0.5],
        "rescale.sigma": [0.05, 0.1, 0.2, 0.3, 0.5],
        "resize.ratio": [0.05, 0.1, 0.2, 0.3, 0.4],
    }
    steps = [name.partition(".")[0] for name in strengths]
    chain = {"options": steps, "lengths": [0, 1, 2, 3], **strengths}
    operators = ["conv1d", "decomposition_linear", "dilated_conv", "gated_dilated_conv", "gru", "identity"]
    temperatures = [0.05, 0.1, 0.2, 0.3, 0.5, 1.0]
    return SearchSpace.from_dict(
        {
            "AugCell1": chain,
            "AugCell2": chain,
            "EmbedCell": {
                "jitter": [0.0, 0.1, 0.2],
                "mask": [0.0, 0.1, 0.2],
                "norm": ["none", "batchnorm", "l2", "layernorm"],
            },
            "PairCell": {
                "kinds": ["cross_scale", "instance", "neighbor", "temporal"],
                "pool": ["avg", "max"],
                "kernel": [0, 2, 3, 5, 7],
            },
            "LossCell": {
                "loss": ["info_nce", "nt_xent", "triplet"],
                "info_nce.temperature": temperatures,
                "nt_xent.temperature": temperatures,
                "triplet.margin": [0.2, 0.5, 1.0],
                "similarity": ["cosine", "dot", "neg_euclidean"],
                "weighting": ["none"],
                "auxiliary": ["none"],
            },
            "EncoderCell": {
                "nodes": [2, 3, 4],
                "operators": [*operators, "patch_attention", "temporal_attention", "variate_attention"],
                "blocks": [1, 2],
                "hidden": [16, 32, 64],
                "output": [64, 128],
                "dropout": [0.0, 0.1],
                "normalization": ["none", "instance", "last"],
                "channels": ["independent", "mixed"],
                "readout": ["attention", "last", "max", "mean", "multiscale", "ppv"],
            },
            "TrainCell": {
                "learning_rate": [3e-4, 1e-3, 3e-3],
                "batch_size": [8, 16, 32],
                "weight_averaging": [False, True],
            },
        }
    )


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary.from_registry()


@pytest.fixture(scope="session")
def candidates(planted: SearchSpace) -> list[Genotype]:
    return sample_candidates(60, np.random.default_rng(11), planted)


@pytest.fixture(scope="session")
def opinionated(vocabulary: Vocabulary) -> Comparator:
    """A comparator of five task features with opinions: untrained ones score every candidate alike."""
    made = Comparator(vocabulary, settings=ComparatorSettings(task_features=5, members=2)).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    made.task_basis.copy_(torch.randn(5, 8, generator=generator))
    made.gates.copy_(torch.tensor([0.5, 1.0]))
    made.sharpness.fill_(2.0)
    made.residual.copy_(torch.tensor([0.4, 0.3]))
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
    """Return a maker of banks: tasks are 4 independent statistics; untrained scores follow a rule plus noise.

    Training adds what `gain` says, nothing where None. `probed` candidates are tried on every task, others by chance.
    """

    def build(
        rule: Rule,
        *,
        pool: Sequence[Genotype],
        n_tasks: int,
        n_candidates: int,
        noise: float,
        rng_seed: int = 0,
        gain: Rule | None = None,
        probed: Sequence[Genotype] = (),
    ) -> Planted:
        rng = np.random.default_rng(rng_seed)
        records: list[TrialRecord] = []
        embeddings: dict[str, NDArray[np.float32]] = {}
        for number in range(n_tasks):
            task = f"t{number}"
            statistics = rng.uniform(-1, 1, size=4)
            embeddings[f"hash-{task}"] = statistics.astype(np.float32)
            drawn = [pool[int(index)] for index in rng.permutation(len(pool))[:n_candidates]]
            for at, genotype in enumerate([*drawn, *probed]):
                gained = gain(genotype, statistics) if gain else 0.0
                for rng_seed_of_trial in range(2 if at < 6 else 1):
                    untrained = 0.6 + 0.1 * rule(genotype, statistics) + 0.1 * noise * float(rng.normal())
                    facts = {"untrained_score": untrained, "score": untrained + 0.1 * gained}
                    facts |= {"rng_seed": rng_seed_of_trial, "family": f"f{number // 2}"}
                    records.append(make_record(genotype, task=task, **facts))
        return records, embeddings

    return build
