"""Successive halving: many candidates get little training, the better half of them all of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ahc.bank import Bank
from ahc.record import TrialRecord
from downstream.task import Task
from nas.engines import run_candidates
from nas.options import SearchOptions
from nas.progress import Progress
from nas.run_folder import RunFolder
from nas.running import engine_settings, engine_time_limit
from nas.trials import TrialOutcome, TrialPlan, outcome_of, trial_job, trial_protocol
from nas.whole_file import write_whole
from search_space.genotype import Genotype

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
        options: Workers, device, engine, time budget.
        device: `cpu` or a CUDA device.
    """

    def __init__(self, task: Task, *, folder: RunFolder, options: SearchOptions, device: str) -> None:
        self._task, self._folder, self._options, self._device = task.without_test(), folder, options, device
        self._deadline = None if options.time_budget is None else time.monotonic() + options.time_budget

    def run(self, plans: Sequence[TrialPlan], *, bank: Bank, name: str) -> dict[str, Trained]:
        """Run the plans that the bank lacks; return trained candidates by plan id, failures left out."""
        missing = [plan for plan in _unique(plans) if self._record(plan, bank) is None or not self._kept(plan, bank)]
        events = self._folder.events
        limit = self._time_limit(len(missing))
        by_job = {}
        jobs = []
        for plan in missing:
            job = trial_job(
                plan,
                self._task,
                device=self._device,
                time_limit=limit,
                keep_weights=True,
            )
            by_job[job.id] = plan
            jobs.append(job)
        with Progress(total=len(jobs), name=name, quiet=self._options.quiet) as progress:
            settings = engine_settings(self._options, device=self._device)
            events.round(name, plans=_unique(plans), missing=missing, workers=settings["workers"])
            drawn = events.drawn(jobs, by_job, name=name)
            for result in run_candidates(drawn, time_limit=engine_time_limit(limit), **settings):
                plan = by_job[result.id]
                kept = self._kept_outcome(outcome_of(result, plan, self._task), plan, bank)
                score = "no score" if kept.score is None else f"{kept.metric} {kept.score:.4f}"
                events.finished(kept, name=name)
                progress.advance(f"{plan.genotype.key[:8]} {kept.status}, validation {score}")
        return {
            plan.id: Trained(plan.genotype, record, self._weights(plan))
            for plan in plans
            if (record := self._record(plan, bank)) is not None and self._weights(plan).is_file()
        }

    def _kept_outcome(self, outcome: TrialOutcome, plan: TrialPlan, bank: Bank) -> TrialRecord:
        """Write the weights, then the record: a record in the bank has its weights on the disk."""
        if outcome.weights is not None:
            write_whole(self._weights(plan), outcome.weights)
        bank.add(outcome.record)
        return outcome.record

    def _time_limit(self, n_trials: int) -> float | None:
        """Share what is left of the time budget among the trials of a round."""
        if self._deadline is None:
            return self._options.time_limit
        rounds = math.ceil(n_trials / self._options.workers)
        share = max((self._deadline - time.monotonic()) / max(rounds, 1), 1.0)
        return share if self._options.time_limit is None else min(share, self._options.time_limit)

    def _weights(self, plan: TrialPlan) -> Path:
        return self._folder.weights / f"{plan.id}.safetensors"

    def _kept(self, plan: TrialPlan, bank: Bank) -> bool:
        record = self._record(plan, bank)
        return record is not None and (record.score is None or self._weights(plan).is_file())

    def _record(self, plan: TrialPlan, bank: Bank) -> TrialRecord | None:
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
    run: Callable[[Sequence[TrialPlan], str], dict[str, Trained]],
) -> tuple[dict[str, list[Trained]], dict[str, Trained]]:
    """Train groups of candidates in two rounds that share the workers.

    Args:
        groups: Group name -> its candidates; a group of one goes straight to the last round.
        extra: Further plans, run beside the first round.
        options: Iterations and rng_seed.
        run: Runs plans under a name and returns the trained ones by plan id.

    Returns:
        Per group its fully trained candidates, the best on validation first; and the trained extras by plan id.
    """
    short = max(1, round(FIRST_ROUND_SHARE * options.iterations))

    def plans(genotypes: Sequence[Genotype], iterations: int) -> list[TrialPlan]:
        return [TrialPlan(genotype, iterations, options.rng_seed, "search") for genotype in genotypes]

    first = {name: plans(group, short) for name, group in groups.items() if len(group) > 1}
    done = run([*extra, *(plan for group in first.values() for plan in group)], "train, first round")
    finalists = {}
    for name, group in groups.items():
        if name in first:
            trained = _best_first([done[plan.id] for plan in first[name] if plan.id in done])
            finalists[name] = plans([one.genotype for one in trained[: math.ceil(len(group) / 2)]], options.iterations)
        else:
            finalists[name] = plans(group, options.iterations)
    last = run([plan for group in finalists.values() for plan in group], "train, last round")
    ranked = {
        name: _best_first([last[plan.id] for plan in group if plan.id in last]) for name, group in finalists.items()
    }
    return ranked, {plan.id: done[plan.id] for plan in extra if plan.id in done}


def _best_first(trained: list[Trained]) -> list[Trained]:
    return sorted(trained, key=lambda one: -one.record.oriented_score)


def _unique(plans: Sequence[TrialPlan]) -> list[TrialPlan]:
    return list({plan.id: plan for plan in plans}.values())
