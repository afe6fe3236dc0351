"""Seed records: tasks x genotypes -> bank, in waves, doing only what the bank does not hold yet."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ahc.bank import Bank
from ahc.record import TrialRecord
from ahc.task_embedding import EMBEDDING_VERSION, embed_task
from downstream.task import Task
from nas.budget.deadline import Deadline
from nas.budget.seeds_budget import SeedsBudget
from nas.engines import run_candidates
from nas.engines.settings import engine_settings, engine_time_limit
from nas.options.seeding import SeedsOptions
from nas.runs.lock import bank_lock
from nas.runs.progress import Progress
from nas.seeding.manifest import read_manifest
from nas.training.devices import pick_device
from nas.trials.trial import TrialPlan, outcome_of, trial_job, trial_protocol
from search_space.genotype import Genotype
from search_space.presets import PRESETS, preset
from search_space.sampling import crossover, mutate, sample_candidates

SHARED_STREAM, RANDOM_STREAM, EVOLVED_STREAM, REPEAT_STREAM = 1, 2, 3, 4
PARENTS = 6
SHARED_PRESETS = ("autocl_ggs", "notes_best", "simclr", "ts2vec")
"""Presets that every task trains: whole strategies out of options that the default space holds."""


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
    device = pick_device(options.device, elsewhere=options.engine == "ray")
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
        for name, wave in _WAVES.items():
            plans = [(task, plan) for task in tasks for plan in wave(task, bank, options)]
            missing = [(task, plan) for task, plan in plans if not _known(bank, task, plan)]
            n_known += len(plans) - len(missing)
            n_planned += len(missing)
            for record in _run(_interleave(missing), options, device=device, name=name, budget=budget):
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


def planned(task: Task, options: SeedsOptions) -> tuple[list[TrialPlan], int]:
    """Return the first wave, and how many trials of a task the later waves have: which ones follows from the first."""
    first = _first_wave(task, options)
    return first, math.ceil(options.repeats * options.genotypes) + max(options.genotypes - len(first), 0)


def _first_wave(task: Task, options: SeedsOptions) -> list[TrialPlan]:
    """Return the shared candidates (presets first, the same for all tasks) and this task's random ones."""
    third = math.ceil(options.genotypes / 3)
    named = [preset(name, kind=task.spec.kind) for name in SHARED_PRESETS][:third]
    shared = named + _sample(third - len(named), SHARED_STREAM, options, task=None)
    known = {genotype.key for genotype in shared}
    fresh = [g for g in _sample(2 * third, RANDOM_STREAM, options, task=task) if g.key not in known][:third]
    return [
        TrialPlan(genotype, options.iterations, options.rng_seed, origin)
        for origin, group in (("shared", shared), ("random", fresh))
        for genotype in group
    ]


def _repeat_wave(task: Task, bank: Bank, options: SeedsOptions) -> list[TrialPlan]:
    """Repeat a share of the first wave with other rng_seeds: half of it among the best, half at random."""
    n = math.ceil(options.repeats * options.genotypes)
    ranked = _completed(task, bank, _first_wave(task, options))
    best = ranked[: n // 2]
    rest = ranked[n // 2 :]
    rng = _rng(REPEAT_STREAM, options, task=task)
    drawn = [rest[index] for index in rng.permutation(len(rest))[: n - len(best)]]
    return [
        TrialPlan(genotype, options.iterations, options.rng_seed + 1 + number % 2, "repeat")
        for number, genotype in enumerate(best + drawn)
    ]


def _evolved_wave(task: Task, bank: Bank, options: SeedsOptions) -> list[TrialPlan]:
    """Return children of the best of the first wave: mutations and crossovers.

    Presets are no parents: most lie outside the space that a search samples from, and so would their children.
    """
    first = _first_wave(task, options)
    presets = {preset(name, kind=task.spec.kind).key for name in PRESETS}
    sampled = [plan for plan in first if plan.genotype.key not in presets]
    parents = _completed(task, bank, sampled)[:PARENTS]
    known = {plan.genotype.key for plan in first}
    rng = _rng(EVOLVED_STREAM, options, task=task)
    children: list[Genotype] = []
    while parents and len(children) < options.genotypes - len(first):
        one, other = (parents[index] for index in rng.integers(len(parents), size=2))
        child = mutate(one, rng) if rng.random() < 0.5 else mutate(crossover(one, other, rng), rng)
        if child.key not in known:
            known.add(child.key)
            children.append(child)
    return [TrialPlan(child, options.iterations, options.rng_seed, "evolved") for child in children]


_WAVES: dict[str, Callable[[Task, Bank, SeedsOptions], list[TrialPlan]]] = {
    "first wave": lambda task, bank, options: _first_wave(task, options),
    "repeat wave": _repeat_wave,
    "evolved wave": _evolved_wave,
}


def _completed(task: Task, bank: Bank, plans: list[TrialPlan]) -> list[Genotype]:
    """Return the plans' genotypes that completed, the best first."""
    if not plans:
        return []
    records = {
        (record.genotype_key, record.rng_seed): record
        for record in bank.records(task_hash=task.hash, iterations=plans[0].iterations, status="completed")
    }
    sign = -1.0 if task.spec.higher_is_better else 1.0
    scored = [
        (sign * record.score, plan.genotype.key, plan.genotype)
        for plan in plans
        if (record := records.get((plan.genotype.key, plan.rng_seed))) is not None and record.score is not None
    ]
    return [genotype for *_, genotype in sorted(scored, key=lambda item: item[:2])]


def _run(
    work: list[tuple[Task, TrialPlan]], options: SeedsOptions, *, device: str, name: str, budget: SeedsBudget
) -> Iterator[TrialRecord]:
    """Run the missing trials and yield their records as they come."""
    planned = {}
    jobs = []
    for task, plan in work:
        job = trial_job(plan, task, device=device, time_limit=options.time_limit)
        planned[job.id] = (task, plan)
        jobs.append(job)
    settings = {**engine_settings(options, device=device), "time_limit": engine_time_limit(options.time_limit)}
    with Progress(total=len(jobs), name=name, quiet=options.quiet) as progress:
        for result in run_candidates(budget.timely(jobs), ends=budget.ends, **settings):
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


def _sample(n: int, stream: int, options: SeedsOptions, *, task: Task | None) -> list[Genotype]:
    return sample_candidates(max(n, 0), _rng(stream, options, task=task))


def _rng(stream: int, options: SeedsOptions, *, task: Task | None) -> np.random.Generator:
    """Return a generator that depends on the stream, the options' rng_seed and the task alone."""
    entropy = [options.rng_seed, stream] + ([] if task is None else [int(task.hash, 16)])
    return np.random.default_rng(entropy)
