"""What trained encoders are worth on the test part, and what predicts with the chosen one: the end of a search."""

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from downstream import evaluation
from downstream.scores import Scores
from downstream.task import Task
from nas.combining.members import Entrant
from nas.cost.members import size_of
from nas.engines.job import Job
from nas.engines.run import run_candidates
from nas.engines.settings import EngineSettings
from nas.errors import NotVerifiedError
from nas.report.rows import Row
from nas.representer import Representer
from nas.runs.whole_progress import WholeProgress
from nas.saved.encoder import load_encoder
from nas.saved.predictor import predictor_file

STAGE = "verify on test"
_PREDICTOR, _BASELINES = "predictor", "baselines"


@dataclass(frozen=True)
class Verified:
    """What is known of the entrants.

    Args:
        rows: One row per entrant in their order, then the baselines; validation scores where the task has no test part,
            or where there was no time for the first entrant.
        predictor: The file of what predicts with the first entrant; None where it was not fitted.
        lacking: Why there is no predictor; empty where there is one.
        opened: The test part, which was opened; None where the task has none.
    """

    rows: tuple[Row, ...]
    predictor: bytes | None = None
    lacking: str = ""
    opened: Any = None


def verify(
    task: Task,
    entrants: Mapping[str, Entrant],
    *,
    settings: EngineSettings,
    rng_seed: int = 0,
    progress: WholeProgress | None = None,
    ends: float = math.inf,
) -> Verified:
    """Open the test part, once, score every entrant and every baseline on it, and fit what predicts with the first.

    The predictor sees training and validation rows only. Where its scores are not those of the same fit, it is a job of
    its own, so that what a time budget cuts of the one leaves the other.

    Args:
        task: Its test part must not have been opened.
        entrants: Name -> one encoder or several as one.
        settings: Where and how they are scored.
        rng_seed: Of whatever the predictor draws.
        progress: Is told of every job; None for nobody.
        ends: When it has to be over, as `time.monotonic()` tells it; what has no score by then is left out.

    Raises:
        NotVerifiedError: If scoring failed, as when its worker was killed twice.
    """
    chosen, *_ = entrants
    saved = {name: {"weights": one.file(), "device": settings.device} for name, one in entrants.items()}
    closed, opened = {"task": task.without_test()}, None
    jobs = [Job(_PREDICTOR, _fit_predictor, {**saved[chosen], "rng_seed": rng_seed}, closed)]
    if task.has_test:
        opened = task.open_test()
        shared = {**closed, "opened": opened}
        scoring = [Job(name, _score_saved, given, shared) for name, given in saved.items()]
        first = [scoring[0], *jobs]
        if hasattr(task.kind, "prove"):  # one fit serves both
            first = [Job(chosen, _prove, saved[chosen], shared)]
        # in the order of what an answer misses most
        jobs = [*first, Job(_BASELINES, _score_baselines, {}, shared), *scoring[1:]]
    done: dict[str, Any] = {}
    lacking = "there was no time to fit it"
    progress = progress or WholeProgress({}, workers=1, quiet=True)
    with progress.stage(STAGE, len(jobs)):
        # nothing is saved before all of it is there, so an interruption has nothing to wait for
        how = {**settings.arguments, "memory_limit": None, "finish": False, "ends": ends}
        for result in run_candidates(jobs, **how):
            if result.status == "timeout":
                continue
            if result.status != "completed" and result.id == _PREDICTOR:
                lacking = f"fitting it failed ({result.error})"
                continue
            if result.status != "completed":
                raise NotVerifiedError(
                    f"trained, but not verified: scoring of the {result.id} on test failed ({result.error}); "
                    "all that was trained is kept, and the same command tries the verification again"
                )
            done[result.id] = result.value
            progress.advance(result.id, seconds=result.seconds)
    if isinstance(done.get(chosen), tuple):
        done[chosen], done[_PREDICTOR] = done[chosen]
    predictor = done.pop(_PREDICTOR, None)
    if chosen in done:
        tested = [_row(name, done[name], task, one) for name, one in entrants.items() if name in done]
        rows = [row for one in tested for row in one.with_parts()]
        rows += [Row(name, scores, baseline=True) for name, scores in done.get(_BASELINES, {}).items()]
    else:
        why = "there was no time for the test" if task.has_test else "the data has no test part"
        rows = [_row(name, _validation_scores(task, one, why=why), task, one) for name, one in entrants.items()]
    return Verified(tuple(rows), predictor, lacking="" if predictor else lacking, opened=opened)


def _score_saved(task: Task, opened: Any, weights: bytes, device: str) -> Scores:
    """Score a saved encoder, given as its file, on an opened test part (in a worker, perhaps on another machine)."""
    represent, window = _encoder(weights, device=device)
    return evaluation.score_test(task, opened, represent, window=window)


def _prove(task: Task, opened: Any, weights: bytes, device: str) -> tuple[Scores, bytes]:
    """Return the scores of a saved encoder, given as its file, and the file of what was scored (in a worker)."""
    represent, window = _encoder(weights, device=device)
    scores, predictor = evaluation.prove(task, opened, represent, window=window)
    return scores, predictor_file(predictor, kind=task.spec.kind)


def _fit_predictor(task: Task, weights: bytes, device: str, rng_seed: int) -> bytes:
    """Fit what predicts with a saved encoder, given as its file, and return its own file (in a worker)."""
    represent, window = _encoder(weights, device=device)
    predictor = task.kind.fit_predictor(task.with_window(window), represent, rng_seed=rng_seed)
    return predictor_file(predictor, kind=task.spec.kind)


def _score_baselines(task: Task, opened: Any) -> dict[str, Scores]:
    """Score the plain baselines of the task's kind (in a worker)."""
    return dict(evaluation.baselines(task, opened))


def _encoder(weights: bytes, *, device: str) -> tuple[Representer, int]:
    """Return an encoder, given as its file, and the window of its genotype."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "encoder.safetensors"
        file.write_bytes(weights)
        saved = load_encoder(file)
    return saved.representer(device), saved.genotype.encoder.window


def _row(name: str, scores: Scores, task: Task, entrant: Entrant) -> Row:
    """Return the row of an entrant, with the size of its encoder."""
    cells = [one.genotype.encoder for one in entrant.members]
    sizes = [size_of(cell, variates=task.n_variates, steps=cell.window or task.spec.window) for cell in cells]
    total = sum(sizes[1:], start=sizes[0])
    return Row(name, scores, parameters=total.parameters, multiply_adds=total.multiply_adds)


def _validation_scores(task: Task, entrant: Entrant, *, why: str) -> Scores:
    spec = task.spec
    return Scores(
        value=entrant.score,
        metric=spec.metric,
        higher_is_better=spec.higher_is_better,
        metrics={spec.metric: entrant.score},
        settings={"part": f"validation ({why})"},
    )
