"""One door to scoring: validation for choosing, test for the one report, baselines beside it.

The test part opens once, so its content is passed on: `opened = task.open_test()`, then
`score_test(task, opened, represent)` for as many encoders as a report compares, and `baselines(task, opened)`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from downstream.cases.folds import drawn_folds
from downstream.cases.task import CaseTask
from downstream.represent import Represent
from downstream.scores import Score, Scores
from downstream.task import Task

if TYPE_CHECKING:
    from downstream.predictor import Predictor

__all__ = ["Represent", "Score", "Scores", "baselines", "linear_only", "prove", "score_test", "splits", "validate"]

_Task = TypeVar("_Task", bound=Task)


def linear_only(task: _Task) -> _Task:
    """Return the task that is scored on test without the optional probes of its kind, which take longest."""
    optional = task.kind.optional_probes
    return replace(task, unwanted_probes=optional) if optional else task  # type: ignore[call-arg]  # the kind says so


def splits(task: Task, *, rng_seed: int = 0) -> dict[str, Any]:
    """Return which series, rows or cases are in which part, and the folds of `validate`, as JSON values.

    `load_task(..., split_file=...)` reads them from a file.
    """
    facts = {"kind": task.spec.kind, "name": task.spec.name, "task_hash": task.hash, **task.parts}
    if isinstance(task, CaseTask):
        folds = task.folds or drawn_folds(task.labels, task.kind.draw_folds, rng_seed=rng_seed)
        facts["validation"] = {"folds": [each.tolist() for each in folds]}
    return facts


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
    score: Score = task.kind.validate(task, represent, rng_seed=rng_seed)
    return score


def score_test(task: Task, opened: Any, represent: Represent, *, rng_seed: int = 0, window: int = 0) -> Scores:
    """Return every row of an encoder in the report on the test part.

    Everything that can be chosen is chosen on training and validation rows.

    Args:
        task: The task.
        opened: What its `open_test()` returned.
        represent: The encoder.
        rng_seed: For whatever the probes draw.
        window: Of the encoder, where that has another than the task; see `Task.lookbacks`.
    """
    scores: Scores = task.kind.score_test(*_with_window(task, opened, window), represent, rng_seed=rng_seed)
    return scores


def prove(task: Task, opened: Any, represent: Represent, *, window: int = 0) -> tuple[Scores, Predictor]:
    """Return every row of an encoder in the report, and what was scored, fitted once; of kinds that can (`prove`).

    Args:
        task: The task.
        opened: What its `open_test()` returned.
        represent: The encoder.
        window: As for `score_test`.
    """
    found: tuple[Scores, Predictor] = task.kind.prove(*_with_window(task, opened, window), represent)
    return found


def baselines(task: Task, opened: Any, *, rng_seed: int = 0) -> dict[str, Scores]:
    """Return the rows of the task's plain methods, by name, on the same split and protocol."""
    rows: dict[str, Scores] = task.kind.baselines(task, opened, rng_seed=rng_seed)
    return rows


def _with_window(task: Task, opened: Any, window: int) -> tuple[Task, Any]:
    if not window:
        return task, opened
    return task.with_window(window), opened.with_window(window) if isinstance(opened, Task) else opened
