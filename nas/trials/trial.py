"""A trial as a job for an engine, and its record for the bank."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahc.bank import Bank
from ahc.record import CurvePoint as Point
from ahc.record import TrialRecord
from downstream.task import Task
from nas.engines.job import Job, Result, note
from nas.net import train_candidate
from nas.saved.encoder import encoder_file
from nas.training.curve import CurvePoint
from nas.trial_state import TrialStateError
from nas.version import PROTOCOL_VERSION, __version__
from search_space.genotype import Genotype


@dataclass(frozen=True)
class TrialPlan:
    """One trial that is to be run.

    Args:
        genotype: The candidate.
        iterations: Its fidelity.
        rng_seed: Of weights, batches and views.
        origin: Where the candidate comes from: `shared`, `random`, `evolved`, `repeat`, `search`.
        probe_at: Iterations to probe at, by default as `train_candidate` does; it is no part of `id`.
        goes_on: Whether a longer trial may go on from this one.
    """

    genotype: Genotype
    iterations: int
    rng_seed: int
    origin: str
    probe_at: tuple[int, ...] = ()
    goes_on: bool = False

    @property
    def id(self) -> str:
        """Name of the trial within its task, also of its weights file."""
        return f"{self.genotype.key}-{self.iterations}-{self.rng_seed}"


def trial_protocol(task: Task) -> str:
    """Return the name and version of the protocol that a trial's score follows."""
    version = task.kind.score_version
    return f"{task.spec.kind}-{PROTOCOL_VERSION}" + (f".{version}" if version > 1 else "")


@dataclass(frozen=True)
class TrialOutcome:
    """What a trial sends to the driver, which alone writes: its record, and where asked for the files
    of weights and state, and what its probe said of cases held out."""

    record: TrialRecord
    weights: bytes | None = None
    state: bytes | None = None
    held_out: NDArray[np.float32] | None = None

    @property
    def status(self) -> str:
        """The record's status, for the engine's result."""
        return self.record.status


def trial_job(plan: TrialPlan, task: Task, **how: Any) -> Job:
    """Return the job that runs a trial in a worker; `how` are the further arguments of `run_trial`."""
    return Job(f"{task.hash}-{plan.id}", run_trial, {"plan": plan, **how}, shared={"task": task})


def run_trial(
    plan: TrialPlan,
    task: Task,
    *,
    device: str,
    time_limit: float | None,
    keep_weights: bool = False,
    precision: str = "float32",
    state: bytes | None = None,
) -> TrialOutcome:
    """Run one trial (in a worker), on windows as long as its genotype wants them.

    It goes on from `state`, that of a shorter one; where it is no such, it begins anew, and its record says why. The
    curve so far is noted (`engines.job.note`) after each probe, as it stands in the record.
    """
    own = task.with_window(plan.genotype.encoder.window)
    how: dict[str, Any] = {
        "iterations": plan.iterations,
        "rng_seed": plan.rng_seed,
        "device": device,
        "time_limit": time_limit,
        "precision": precision,
        "probe_at": plan.probe_at or None,
        "keep_state": plan.goes_on,
        "on_curve": lambda curve: note(_points(curve)),
    }
    remarks: dict[str, Any] = {}
    try:
        trial = train_candidate(plan.genotype, own, state=state, **how)
    except TrialStateError as error:
        remarks["trained_anew"] = str(error)
        trial = train_candidate(plan.genotype, own, **how)
    remarks |= {"message": trial.message} if trial.message else {}
    remarks |= {"final": 1.0} if trial.final else {}
    record = _record(
        plan,
        task,
        status=trial.status,
        curve=_points(trial.curve),
        score=trial.score,
        best_iteration=None if trial.best is None else trial.best.iteration,
        untrained_score=trial.untrained_score,
        seconds=trial.seconds,
        n_parameters=trial.n_parameters,
        details={**trial.details, **remarks},
    )
    weights = None
    if keep_weights and trial.weights:
        weights = encoder_file(trial.weights, genotype=plan.genotype, task=own, rng_seed=plan.rng_seed)
    return TrialOutcome(record, weights, trial.state, None if weights is None else trial.held_out)


def _points(curve: Sequence[CurvePoint]) -> tuple[Point, ...]:
    return tuple((point.iteration, point.score, point.loss) for point in curve)


def outcome_of(result: Result, plan: TrialPlan, task: Task) -> TrialOutcome:
    """Return what a trial's job gave; a failed one (killed, out of memory, crashed) has a record too.

    The record of a trial that was started again says how often it was.
    """
    if not isinstance(result.value, TrialOutcome):
        details = {"message": result.error, "attempts": result.attempts}
        return TrialOutcome(_record(plan, task, status=result.status, seconds=result.seconds, details=details))
    if result.attempts == 1:
        return result.value
    record = result.value.record
    return replace(result.value, record=replace(record, details={**record.details, "attempts": result.attempts}))


def record_in(bank: Bank, plan: TrialPlan, task: Task) -> TrialRecord | None:
    """Return what a bank holds of a trial, None where that is nothing."""
    known = bank.records(
        genotype_key=plan.genotype.key,
        task_hash=task.hash,
        protocol=trial_protocol(task),
        iterations=plan.iterations,
        rng_seed=plan.rng_seed,
    )
    return known[0] if known else None


def _record(plan: TrialPlan, task: Task, **outcome: Any) -> TrialRecord:
    spec = task.spec
    return TrialRecord(
        genotype=plan.genotype.to_dict(),
        genotype_key=plan.genotype.key,
        task_name=spec.name,
        task_hash=task.hash,
        family=spec.family,
        kind=spec.kind,
        protocol=trial_protocol(task),
        metric=spec.metric,
        higher_is_better=spec.higher_is_better,
        iterations=plan.iterations,
        rng_seed=plan.rng_seed,
        origin=plan.origin,
        code_version=__version__,
        **outcome,
    )
