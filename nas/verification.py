"""What trained encoders are worth on the test part: the final report of a search."""

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from downstream import evaluation
from downstream.scores import Scores
from downstream.task import Task
from nas.engines.job import Job
from nas.engines.run import run_candidates
from nas.engines.settings import EngineSettings
from nas.errors import NotVerifiedError
from nas.report.rows import Row
from nas.representer import Representer
from nas.runs.progress import Progress
from nas.saved.encoder import load_encoder
from nas.trials.runner import Trained


def verify(
    task: Task, entrants: Mapping[str, Trained], *, settings: EngineSettings, quiet: bool = True, ends: float = math.inf
) -> tuple[Row, ...]:
    """Open the test part, once, and score every entrant and every baseline on it.

    Args:
        task: Its test part must not have been opened.
        entrants: Name -> trained candidate.
        settings: Where and how they are scored.
        quiet: Show no progress.
        ends: When it has to be over, as `time.monotonic()` tells it; what has no score by then is left out.

    Returns:
        One row per entrant in their order, then the baselines; validation scores where the task has no test part, or
        where there was no time for the first entrant.

    Raises:
        NotVerifiedError: If scoring failed, as when its worker was killed twice.
    """
    if not task.has_test:
        return _on_validation(entrants, why="the data has no test part")
    opened = task.open_test()
    shared = {"task": task.without_test(), "opened": opened}
    jobs = [
        Job(name, _score_saved, {"weights": trained.weights.read_bytes(), "device": settings.device}, shared)
        for name, trained in entrants.items()
    ]
    # in the order of what an answer misses most
    jobs.insert(1, Job("baselines", _score_baselines, {}, shared))
    scored: dict[str, Any] = {}
    with Progress(total=len(jobs), name="verify on test", quiet=quiet) as progress:
        # nothing is saved before all of it is there, so an interruption has nothing to wait for
        how = {**settings.arguments, "memory_limit": None, "finish": False, "ends": ends}
        for result in run_candidates(jobs, **how):
            if result.status == "timeout":
                continue
            if result.status != "completed":
                raise NotVerifiedError(
                    f"trained, but not verified: scoring of the {result.id} on test failed ({result.error}); "
                    "all that was trained is kept, and the same command tries the verification again"
                )
            scored[result.id] = result.value
            progress.advance(result.id)
    if next(iter(entrants)) not in scored:
        return _on_validation(entrants, why="there was no time for the test")
    rows = [row for name in entrants if name in scored for row in Row(name, scored[name]).with_parts()]
    return tuple(rows + [Row(name, scores, baseline=True) for name, scores in scored.get("baselines", {}).items()])


def _score_saved(task: Task, opened: Any, weights: bytes, device: str) -> Scores:
    """Score a saved encoder, given as its file, on an opened test part (in a worker, perhaps on another machine)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "encoder.safetensors"
        file.write_bytes(weights)
        saved = load_encoder(file)
    represent = Representer(saved.encoder.to(torch.device(device)), device=device)
    return evaluation.score_test(task, opened, represent, window=saved.genotype.encoder.window)


def _score_baselines(task: Task, opened: Any) -> dict[str, Scores]:
    """Score the plain baselines of the task's kind (in a worker)."""
    return dict(evaluation.baselines(task, opened))


def _on_validation(entrants: Mapping[str, Trained], *, why: str) -> tuple[Row, ...]:
    return tuple(Row(name, _validation_scores(trained, why=why)) for name, trained in entrants.items())


def _validation_scores(trained: Trained, *, why: str) -> Scores:
    record = trained.record
    assert record.score is not None
    return Scores(
        value=record.score,
        metric=record.metric,
        higher_is_better=record.higher_is_better,
        metrics={record.metric: record.score},
        settings={"part": f"validation ({why})"},
    )
