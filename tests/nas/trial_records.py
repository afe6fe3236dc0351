"""Trial records for tests of what is told about trials."""

from __future__ import annotations

from typing import Any

from ahc.record import TrialRecord
from search_space.presets import preset

GENOTYPE = preset("simclr")
ROUND = "train, first round"


def record(**changes: Any) -> TrialRecord:
    facts = {
        "genotype": GENOTYPE.to_dict(),
        "genotype_key": GENOTYPE.key,
        "task_name": "t",
        "task_hash": "0" * 16,
        "family": "f",
        "kind": "classification",
        "protocol": "p",
        "metric": "accuracy",
        "higher_is_better": True,
        "iterations": 4,
        "rng_seed": 0,
        "curve": ((0, 0.5, None), (1, 0.75, 2.5)),
        "score": 0.75,
        "best_iteration": 1,
        "seconds": 1.23456,
    }
    return TrialRecord(**(facts | changes))
