"""A small bank whose scores are a known function of the genotype."""

from __future__ import annotations

from typing import Any

import numpy as np

from ahc.record import TrialRecord
from ahc.task_embedding import FEATURE_NAMES
from nas.replay.contest import Recorded
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from tests.nas.strategies.small_problem import SPACE, quality
from tests.nas.trial_records import record


def trial(genotype: Genotype, *, task: int = 0, score: float | None = None, **changes: Any) -> TrialRecord:
    """An untrained encoder says all, and training adds a constant; a trial takes 10 seconds."""
    value = quality(genotype) if score is None else score
    curve = tuple((at, value + at / 1000, None) for at in (0, 25, 50, 100))
    facts = {"task_name": f"task {task}", "task_hash": f"{task:016x}", "family": f"family {task // 2}"}
    facts |= {"genotype": genotype.to_dict(), "genotype_key": genotype.key, "iterations": 100}  # type: ignore[dict-item]
    facts |= {"curve": curve, "score": value + 0.1, "untrained_score": value, "seconds": 10.0, "metric": "auc_pr"}  # type: ignore[dict-item]
    return record(**{**facts, **changes})


def recorded(*, n_tasks: int = 4, n_candidates: int = 16) -> Recorded:
    """Families of two tasks; half of the candidates are shared by all tasks."""
    rng = np.random.default_rng(0)
    shared = sample_candidates(n_candidates // 2, rng, SPACE)
    records, embeddings = [], {}
    for task in range(n_tasks):
        own = sample_candidates(n_candidates - len(shared), rng, SPACE, {genotype.key for genotype in shared})
        records += [trial(genotype, task=task) for genotype in (*shared, *own)]
        embeddings[f"{task:016x}"] = rng.normal(size=len(FEATURE_NAMES)).astype(np.float32)
    return Recorded(records, embeddings)
