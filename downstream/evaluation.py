"""One door to scoring: validation for choosing, test for the one report, baselines beside it.

The test part opens once, so its content is passed on: `opened = task.open_test()`, then
`test(task, opened, represent)` for as many encoders as a report compares, and `baselines(task, opened)`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from downstream.represent import Represent
from downstream.scores import Score, Scores
from downstream.task import Task

__all__ = ["Represent", "Score", "Scores", "baselines", "test", "validate"]

# Probes need torch; asking what a task is does not. So modules are imported when a task is scored.
_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "forecasting": "downstream.forecasting.scoring",
        "classification": "downstream.classification.scoring",
        "anomaly": "downstream.anomaly.scoring",
    }
)


def validate(task: Task, represent: Represent, *, rng_seed: int = 0) -> Score:
    """Return the validation score of an encoder: the label of a trial.

    Args:
        task: The task; its test part is not touched.
        represent: The encoder.
        rng_seed: For folds, where the kind has them.

    Raises:
        ValueError: If the task's validation part cannot be scored.
        FloatingPointError: If the encoder returns values that are not finite.
    """
    module = importlib.import_module(_MODULES[task.spec.kind])
    return cast(Score, module.validate(task, represent, rng_seed=rng_seed))


def test(task: Task, opened: Any, represent: Represent, *, rng_seed: int = 0) -> Scores:
    """Return every row of an encoder in the report on the test part.

    Everything that can be chosen is chosen on training and validation rows.

    Args:
        task: The task.
        opened: What its `open_test()` returned.
        represent: The encoder.
        rng_seed: For whatever the probes draw.
    """
    module = importlib.import_module(_MODULES[task.spec.kind])
    return cast(Scores, module.test(task, opened, represent, rng_seed=rng_seed))


def baselines(task: Task, opened: Any, *, rng_seed: int = 0) -> dict[str, Scores]:
    """Return the rows of the task's plain methods, by name, on the same split and protocol."""
    module = importlib.import_module("downstream.baselines")
    function = getattr(module, f"{task.spec.kind}_baselines")
    return cast("dict[str, Scores]", function(task, opened, rng_seed=rng_seed))
