"""Seed records: tasks x genotypes -> bank, in waves, doing only what the bank does not hold yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ahc.bank import Bank
from ahc.record import TrialRecord
from ahc.task_embedding import EMBEDDING_VERSION, embed_task
from downstream.task import Task
from nas.budget.deadline import Deadline
from nas.budget.seeds_budget import SeedsBudget
from nas.engines.run import run_candidates
from nas.engines.settings import EngineSettings, last_resort
from nas.options.seeding import SeedsOptions
from nas.runs.lock import bank_lock
from nas.runs.progress import Progress
from nas.seeding.manifest import read_manifest
from nas.seeding.waves import Waves
from nas.trials.trial import TrialPlan, outcome_of, trial_job, trial_protocol


@dataclass(frozen=True)
class SeedsResult:
    """What a run of seed generation did; `text` is the printed summary."""

    n_new: int
    n_known: int
    statuses: dict[str, int]
    text: str


def generate_seeds(options: SeedsOptions) -> SeedsResult:
    """Fill a bank: a third shared candidates, a third random, a third around the best so far, then repeats.

    Every wave is determined by the options and by what earlier waves left in the bank, so the same command after an
    interruption runs exactly what is missing, and so it does after a time budget was over.

    Args:
        options: What to run and where to write.

    Returns:
        Counts and a printed summary.

    Raises:
        OptionError: If the device is not there.
        DataError: If the manifest or a task's data is at fault.
        InUseError: If another driver writes to the bank.
        TimeBudgetError: If no trial came to its end in the time given.
    """
    deadline = Deadline.of(options.time_budget)
    settings = EngineSettings.chosen(**options.running, device=options.device)
    waves = Waves(options.genotypes, options.iterations, repeats=options.repeats, rng_seed=options.rng_seed)
    entries = read_manifest(options.manifest)
    tasks = [entry.load(Path(options.data)) for entry in entries]
    statuses: dict[str, int] = {}
    n_known = n_planned = 0
    budget = SeedsBudget(deadline)
    with bank_lock(options.bank), Bank(options.bank) as bank:
        for task in tasks:
            bank.add_task(
                task.hash,
                name=task.spec.name,
                family=task.spec.family,
                kind=task.spec.kind,
                embedding=embed_task(task),
                embedding_version=EMBEDDING_VERSION,
            )
        for name, wave in waves:
            plans = [(task, plan) for task in tasks for plan in wave(task, bank)]
            missing = [(task, plan) for task, plan in plans if not _known(bank, task, plan)]
            n_known += len(plans) - len(missing)
            n_planned += len(missing)
            work = _interleave(missing)
            records = _run(work, settings, name=name, budget=budget, time_limit=options.time_limit, quiet=options.quiet)
            for record in records:
                bank.add(record)
                statuses[record.status] = statuses.get(record.status, 0) + 1
            budget.n_missing = n_planned - sum(statuses.values())
            if budget.n_missing:
                break  # later waves follow from the whole of this one
        total = len(bank)
    n_new = sum(statuses.values())
    counts = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items())) or "nothing to do"
    text = f"{n_new} new trials ({counts}), {n_known} known already; {options.bank} holds {total} records"
    text += budget.sentence(n_planned)
    return SeedsResult(n_new=n_new, n_known=n_known, statuses=statuses, text=text)


def _run(
    work: list[tuple[Task, TrialPlan]],
    settings: EngineSettings,
    *,
    name: str,
    budget: SeedsBudget,
    time_limit: float | None,
    quiet: bool,
) -> Iterator[TrialRecord]:
    """Run the missing trials and yield their records as they come."""
    planned = {}
    jobs = []
    for task, plan in work:
        job = trial_job(plan, task, device=settings.device, time_limit=time_limit)
        planned[job.id] = (task, plan)
        jobs.append(job)
    how = {**settings.arguments, "ends": budget.ends, "time_limit": last_resort(time_limit)}
    with Progress(total=len(jobs), name=name, quiet=quiet) as progress:
        for result in run_candidates(budget.timely(jobs), **how):
            if not budget.ended(result):
                continue
            task, plan = planned[result.id]
            record = outcome_of(result, plan, task).record
            progress.advance(f"{task.spec.name} {plan.genotype.key[:6]} {record.status}")
            yield record


def _known(bank: Bank, task: Task, plan: TrialPlan) -> bool:
    return bank.has(
        plan.genotype.key,
        task_hash=task.hash,
        protocol=trial_protocol(task),
        iterations=plan.iterations,
        rng_seed=plan.rng_seed,
    )


def _interleave(work: list[tuple[Task, TrialPlan]]) -> list[tuple[Task, TrialPlan]]:
    """Order trials so that all tasks advance together: an interrupted bank is still a balanced one."""
    position: dict[str, int] = {}
    order = []
    for index, (task, _) in enumerate(work):
        position[task.hash] = position.get(task.hash, -1) + 1
        order.append((position[task.hash], index))
    return [work[index] for _, index in sorted(order)]
