"""Successive halving: many candidates get little training, the better half of them all of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ahc.bank import Bank
from ahc.record import TrialRecord
from downstream.task import Task
from nas.engines import Job, run_candidates
from nas.engines.settings import engine_settings, engine_time_limit
from nas.options.search import SearchOptions
from nas.runs.folder import RunFolder
from nas.runs.progress import Progress
from nas.runs.whole_file import write_whole
from nas.trials.trial import TrialOutcome, TrialPlan, outcome_of, trial_job, trial_protocol
from search_space.genotype import Genotype

if TYPE_CHECKING:
    from nas.budget.search_budget import SearchBudget

FIRST_ROUND_SHARE = 0.25


@dataclass(frozen=True)
class Trained:
    """A candidate whose weights are on disk."""

    genotype: Genotype
    record: TrialRecord
    weights: Path


class TrialRunner:
    """Runs trials of one task into a run folder; what the folder holds already is not run again.

    Args:
        task: Without its test part: a worker has no use for it.
        folder: Where records and weights go.
        options: Workers, device, engine.
        device: `cpu` or a CUDA device.
        budget: Says when rounds and trials end. A trial that it stops is kept beside the bank, in `hurried`: in the
            bank it would be taken for a slow candidate, and with more time it is run again.
    """

    def __init__(
        self, task: Task, *, folder: RunFolder, options: SearchOptions, device: str, budget: SearchBudget
    ) -> None:
        self._task, self._folder, self._options, self._device = task.without_test(), folder, options, device
        self._budget = budget
        self._hurrying: set[str] = set()
        self.hurried: dict[str, TrialRecord] = {}

    def run(
        self,
        plans: Sequence[TrialPlan],
        *,
        bank: Bank,
        name: str,
        later: Sequence[TrialPlan] = (),
        ends: float | None = None,
    ) -> dict[str, Trained]:
        """Run the plans that the bank lacks; return trained candidates by plan id, failures left out.

        Args:
            plans: The trials of this round.
            bank: Where records go.
            name: Of the round.
            later: Trials of later rounds, whose share of a time budget is left to them.
            ends: When the round ends, as `time.monotonic()` tells it; by default as the budget says.
        """
        missing = [plan for plan in _unique(plans) if self._record(plan, bank) is None or not self._kept(plan, bank)]
        events = self._folder.events
        ends = self._budget.round_ends(missing, later) if ends is None else ends
        waiting = list(missing)
        by_job: dict[str, TrialPlan] = {}
        with Progress(total=len(missing), name=name, quiet=self._options.quiet) as progress:
            settings = engine_settings(self._options, device=self._device)
            settings["time_limit"] = engine_time_limit(self._options.time_limit)
            events.round(name, plans=_unique(plans), missing=missing, workers=settings["workers"])
            drawn = events.drawn(self._jobs(waiting, by_job, ends=ends), by_job, name=name)
            for result in run_candidates(drawn, ends=self._budget.hard_end(ends), **settings):
                plan = by_job[result.id]
                kept = self._kept_outcome(outcome_of(result, plan, self._task), plan, bank)
                score = "no score" if kept.score is None else f"{kept.metric} {kept.score:.4f}"
                events.finished(kept, name=name)
                progress.advance(f"{plan.genotype.key[:8]} {kept.status}, validation {score}")
        n_stopped = len({plan.id for plan in missing} & self.hurried.keys())
        self._budget.note_round(name, n_trials=len(missing), n_stopped=n_stopped, n_left_out=len(waiting))
        return {
            plan.id: Trained(plan.genotype, record, self._weights(plan))
            for plan in plans
            if (record := self._record(plan, bank)) is not None and self._weights(plan).is_file()
        }

    def _jobs(self, waiting: list[TrialPlan], by_job: dict[str, TrialPlan], *, ends: float) -> Iterator[Job]:
        """Yield a job for each plan, taken from `waiting` when a worker is free, as long as there is time for it."""
        own = math.inf if self._options.time_limit is None else self._options.time_limit
        while waiting and (given := self._budget.trial_limit(ends, n_left=len(waiting))):
            plan = waiting.pop(0)
            limit = min(own, given)
            if given < own:
                self._hurrying.add(plan.id)
            job = trial_job(
                plan,
                self._task,
                device=self._device,
                time_limit=None if limit == math.inf else limit,
                keep_weights=True,
                precision=self._options.precision,
            )
            by_job[job.id] = plan
            yield job

    def _kept_outcome(self, outcome: TrialOutcome, plan: TrialPlan, bank: Bank) -> TrialRecord:
        """Write the weights, then the record: a record in the bank has its weights on the disk."""
        if outcome.weights is not None:
            write_whole(self._weights(plan), outcome.weights)
        if outcome.status == "timeout" and plan.id in self._hurrying:
            self.hurried[plan.id] = outcome.record
        else:
            bank.add(outcome.record)
        return outcome.record

    def _weights(self, plan: TrialPlan) -> Path:
        return self._folder.weights / f"{plan.id}.safetensors"

    def _kept(self, plan: TrialPlan, bank: Bank) -> bool:
        record = self._record(plan, bank)
        return record is not None and (record.score is None or self._weights(plan).is_file())

    def _record(self, plan: TrialPlan, bank: Bank) -> TrialRecord | None:
        if plan.id in self.hurried:
            return self.hurried[plan.id]
        found = bank.records(
            genotype_key=plan.genotype.key,
            task_hash=self._task.hash,
            protocol=trial_protocol(self._task),
            iterations=plan.iterations,
            rng_seed=plan.rng_seed,
        )
        return found[0] if found else None


def successive_halving(
    groups: dict[str, Sequence[Genotype]],
    *,
    extra: Sequence[TrialPlan],
    options: SearchOptions,
    run: Callable[[Sequence[TrialPlan], str, Sequence[TrialPlan]], dict[str, Trained]],
) -> tuple[dict[str, list[Trained]], dict[str, Trained]]:
    """Train groups of candidates in two rounds that share the workers.

    Args:
        groups: Group name -> its candidates; a group of one goes straight to the last round.
        extra: Further plans, run beside the first round there is.
        options: Iterations and rng_seed.
        run: Runs plans under a name, knowing those of later rounds, and returns the trained ones by plan id.

    Returns:
        Per group its fully trained candidates, the best on validation first - where there is none, those of the first
        round; and the trained extras by plan id.
    """
    first = first_round(groups, options=options)
    later = last_round(groups, options=options)
    done = (
        run([*extra, *(plan for group in first.values() for plan in group)], "train, first round", later)
        if first
        else {}
    )
    better = {name: _best_first([done[plan.id] for plan in plans if plan.id in done]) for name, plans in first.items()}
    finalists = {
        name: _plans(
            [one.genotype for one in better[name][: math.ceil(len(group) / 2)]] if name in better else group,
            options.iterations,
            options=options,
        )
        for name, group in groups.items()
    }
    beside = [] if first else extra  # without a first round, all share the workers at once
    last = run([*beside, *(plan for plans in finalists.values() for plan in plans)], "train, last round", ())
    done |= {plan.id: last[plan.id] for plan in beside if plan.id in last}
    ranked = {
        name: _best_first([last[plan.id] for plan in plans if plan.id in last]) or better.get(name, [])
        for name, plans in finalists.items()
    }
    return ranked, {plan.id: done[plan.id] for plan in extra if plan.id in done}


def first_round(groups: Mapping[str, Sequence[Genotype]], *, options: SearchOptions) -> dict[str, list[TrialPlan]]:
    """Return the trials of the first round by group; a group of one has none."""
    short = max(1, round(FIRST_ROUND_SHARE * options.iterations))
    return {name: _plans(group, short, options=options) for name, group in groups.items() if len(group) > 1}


def last_round(groups: Mapping[str, Sequence[Genotype]], *, options: SearchOptions) -> list[TrialPlan]:
    """Return as many trials as the last round has, of the first candidates: which are the better ones is not known."""
    chosen = [one for group in groups.values() for one in group[: math.ceil(len(group) / 2)]]
    return _plans(chosen, options.iterations, options=options)


def _plans(genotypes: Sequence[Genotype], iterations: int, *, options: SearchOptions) -> list[TrialPlan]:
    return [TrialPlan(genotype, iterations, options.rng_seed, "search") for genotype in genotypes]


def _best_first(trained: list[Trained]) -> list[Trained]:
    return sorted(trained, key=lambda one: -one.record.oriented_score)


def _unique(plans: Sequence[TrialPlan]) -> list[TrialPlan]:
    return list({plan.id: plan for plan in plans}.values())
