"""Runs trials of one task into a run folder and a bank, within the time there is."""

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ahc.bank import Bank
from ahc.record import CurvePoint as Point
from ahc.record import TrialRecord
from downstream.task import Task
from nas.engines.job import Job
from nas.engines.run import run_candidates
from nas.engines.settings import EngineSettings, last_resort
from nas.runs.folder import RunFolder
from nas.runs.whole_file import write_whole
from nas.runs.whole_progress import WholeProgress
from nas.saved.tensor_file import SavedEncoderError
from nas.trials.trial import TrialOutcome, TrialPlan, outcome_of, record_in, trial_job
from search_space.genotype import Genotype

HELD_OUT = ".npy"
"""Ends the name of the file, beside its weights, of what a trial's probe said of cases held out."""
STATE = ".state"
"""Ends the name of the file, beside its weights, that a longer trial goes on from."""


@dataclass(frozen=True)
class Trained:
    """A candidate whose weights are on disk."""

    genotype: Genotype
    record: TrialRecord
    weights: Path

    @property
    def id(self) -> str:
        """Name of the trial."""
        return self.weights.stem

    @property
    def iterations(self) -> int:
        """Optimiser steps that the weights have had: fewer than were asked for where the trial ended early."""
        return self.record.curve[-1][0]

    @property
    def held_out(self) -> NDArray[np.float32] | None:
        """What its probe said of each case held out, (n, outputs); None where validation has no folds.

        Raises:
            SavedEncoderError: If the file is damaged.
        """
        file = self.weights.with_suffix(HELD_OUT)
        if not file.is_file():
            return None
        try:
            said: NDArray[np.float32] = np.load(file, allow_pickle=False)
        except (OSError, EOFError, ValueError) as error:
            raise SavedEncoderError(
                f"{file}: damaged ({error}); remove {self.weights} to have it tried again"
            ) from error
        return said


class RoundTimes(Protocol):
    """When rounds and their trials end, as `time.monotonic()` tells it: what a time budget says."""

    def round_ends(self, *, last: bool) -> float:
        """Return when a round that begins now has to be over; the last one may take all the time that is left."""

    def trial_limit(self, ends: float, *, n_left: int) -> float:
        """Return the seconds that the next of `n_left` trials of a round may take; 0 if it is too late."""

    def hard_end(self, ends: float) -> float:
        """Return when the workers of a round are stopped that should have ended by themselves."""

    def note_round(self, name: str, *, n_trials: int, n_stopped: int, n_left_out: int) -> None:
        """Write down what a round was cut by."""


class TrialRunner:
    """Runs trials of one task into a run folder; what the folder holds already is not run again.

    A trial goes on from the longest shorter one of its candidate that left its state behind (`TrialPlan.goes_on`).

    Args:
        task: Its test part is left out: a worker has no use for it.
        folder: Where weights go and events are told.
        bank: Where records go.
        settings: Where and how trials run.
        budget: Says when rounds and trials end. A trial that it stops is kept beside the bank, in `hurried`: in the
            bank it would be taken for a slow candidate, and with more time it is run again.
        time_limit: Seconds of a trial; None for no limit.
        precision: `float32` or `bfloat16`.
        progress: Is told of every trial; None for nobody.
    """

    def __init__(
        self,
        task: Task,
        *,
        folder: RunFolder,
        bank: Bank,
        settings: EngineSettings,
        budget: RoundTimes,
        time_limit: float | None = None,
        precision: str = "float32",
        progress: WholeProgress | None = None,
    ) -> None:
        self._task, self._folder, self._bank = task.without_test(), folder, bank
        self._settings, self._budget = settings, budget
        self._time_limit, self._precision = time_limit, precision
        self._progress = progress or WholeProgress({}, workers=1, quiet=True)
        self._hurrying: set[str] = set()
        self._at_work: dict[str, int] = {}  # trials that run -> the number of their worker
        self.hurried: dict[str, TrialRecord] = {}

    def run(
        self,
        plans: Sequence[TrialPlan],
        *,
        name: str,
        last: bool = False,
    ) -> dict[str, Trained]:
        """Run the plans that the bank lacks; return trained candidates by plan id, failures left out.

        Args:
            plans: The trials of this round.
            name: Of the round.
            last: Whether it is the last one, which may take all the time that a budget leaves.
        """
        different = list({plan.id: plan for plan in plans}.values())
        missing = [plan for plan in different if not self._kept(plan)]
        events, workers = self._folder.events, self._settings.workers
        ends = self._budget.round_ends(last=last)
        waiting = list(missing)
        by_job: dict[str, TrialPlan] = {}
        self._at_work.clear()
        with self._progress.stage(name, len(missing)):
            n_known = len(different) - len(missing)
            events.round(name, n_trials=len(different), n_known=n_known, workers=workers)
            jobs = self._jobs(waiting, by_job, name=name, ends=ends)
            limits = {"ends": self._budget.hard_end(ends), "time_limit": last_resort(self._time_limit)}

            def on_note(job_id: str, curve: tuple[Point, ...]) -> None:
                plan = by_job[job_id]
                events.reached(plan.id, curve, key=plan.genotype.key, metric=self._task.spec.metric)

            for result in run_candidates(jobs, **{**self._settings.arguments, **limits, "on_note": on_note}):
                plan = by_job[result.id]
                self._at_work.pop(plan.id, None)
                kept = self._kept_outcome(outcome_of(result, plan, self._task), plan)
                score = "no score" if kept.score is None else f"{kept.metric} {kept.score:.4f}"
                events.finished(kept, name=name)
                self._progress.note(kept.score, metric=kept.metric, higher_is_better=kept.higher_is_better)
                what = f"{plan.genotype.key[:8]} {kept.status}, validation {score}"
                self._progress.advance(what, seconds=kept.seconds)
        n_stopped = len({plan.id for plan in missing} & self.hurried.keys())
        self._budget.note_round(name, n_trials=len(missing), n_stopped=n_stopped, n_left_out=len(waiting))
        return {
            plan.id: Trained(plan.genotype, record, self._weights(plan))
            for plan in plans
            if (record := self._record(plan)) is not None and self._weights(plan).is_file()
        }

    def forget_states(self) -> None:
        """Remove what trials would have gone on from."""
        for file in self._folder.weights.glob(f"*{STATE}"):
            file.unlink()

    def _jobs(self, waiting: list[TrialPlan], by_job: dict[str, TrialPlan], *, name: str, ends: float) -> Iterator[Job]:
        """Yield a job for each plan, taken from `waiting` when a worker is free, as long as there is time for it."""
        own = math.inf if self._time_limit is None else self._time_limit
        while waiting and (given := self._budget.trial_limit(ends, n_left=len(waiting))):
            plan = waiting.pop(0)
            limit = min(own, given)
            if given < own:
                self._hurrying.add(plan.id)
            job = trial_job(
                plan,
                self._task,
                device=self._settings.device,
                time_limit=None if limit == math.inf else limit,
                keep_weights=True,
                precision=self._precision,
                state=self._state_before(plan),
            )
            by_job[job.id] = plan
            # an engine asks for a job when one of its workers is free
            worker = min({*range(1, len(self._at_work) + 2)} - {*self._at_work.values()})
            self._at_work[plan.id] = worker
            facts = {"key": plan.genotype.key, "iterations": plan.iterations, "worker": worker}
            self._folder.events.started(plan.id, name=name, **facts)
            yield job

    def _kept_outcome(self, outcome: TrialOutcome, plan: TrialPlan) -> TrialRecord:
        """Write the weights, then the record: a record in the bank has its weights on the disk.

        The state that it went on from goes last, for an end in between has the trial run again.
        """
        if outcome.held_out is not None:
            content = io.BytesIO()
            np.save(content, outcome.held_out)
            write_whole(self._weights(plan).with_suffix(HELD_OUT), content.getvalue())
        if outcome.weights is not None:
            write_whole(self._weights(plan), outcome.weights)
        if outcome.state is not None:
            write_whole(self._folder.weights / f"{plan.id}{STATE}", outcome.state)
        if outcome.status == "timeout" and plan.id in self._hurrying:
            self.hurried[plan.id] = outcome.record
        else:
            self._bank.add(outcome.record)
        if outcome.state is not None:
            for file in self._states_before(plan).values():
                file.unlink()
        return outcome.record

    def _state_before(self, plan: TrialPlan) -> bytes | None:
        """Return the state of the longest shorter trial of the candidate and rng_seed, None where there is none."""
        states = self._states_before(plan)
        return states[max(states)].read_bytes() if states else None

    def _states_before(self, plan: TrialPlan) -> dict[int, Path]:
        """Return the files of states that the trial could go on from, by their iterations."""
        files = self._folder.weights.glob(f"{plan.genotype.key}-*-{plan.rng_seed}{STATE}")
        states = {int(file.name.split("-")[1]): file for file in files}
        return {iterations: file for iterations, file in states.items() if iterations < plan.iterations}

    def _weights(self, plan: TrialPlan) -> Path:
        return self._folder.weights / f"{plan.id}.safetensors"

    def _kept(self, plan: TrialPlan) -> bool:
        record = self._record(plan)
        return record is not None and (record.score is None or self._weights(plan).is_file())

    def _record(self, plan: TrialPlan) -> TrialRecord | None:
        return self.hurried.get(plan.id) or record_in(self._bank, plan, self._task)
