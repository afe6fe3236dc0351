"""Seed records: tasks x genotypes -> bank, in waves, doing only what the bank does not hold yet."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ahc.bank import Bank
from ahc.checkpoint import load_comparator
from ahc.task_embedding import EMBEDDING_VERSION, embed_task
from downstream.task import Task
from nas.budget.deadline import Deadline
from nas.budget.least import expected
from nas.budget.seeds_budget import SeedsBudget
from nas.choosing.cost_limits import affordable, trainable
from nas.engines.run import run_candidates
from nas.engines.settings import EngineSettings, last_resort
from nas.options.seeding import SeedsOptions
from nas.runs.lock import bank_lock
from nas.runs.progress import Progress
from nas.seeding.manifest import read_manifest
from nas.seeding.waves import Waves
from nas.trials.trial import TrialPlan, outcome_of, record_in, trial_job


@dataclass(frozen=True)
class SeedsResult:
    """What a run of seed generation did; `text` is the printed summary."""

    n_new: int
    n_known: int
    statuses: dict[str, int]
    text: str


def generate_seeds(options: SeedsOptions) -> SeedsResult:
    """Fill a bank: untrained probes of many candidates, training of some of them, then repeats.

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
    tasks = [entry.load(Path(options.data)) for entry in read_manifest(options.manifest)]
    with filling(options, deadline=deadline) as fill:
        for task in tasks:
            fill.note_task(task, embed_task(task))
        for name, wave in waves_of(options, tasks):
            plans = [(task, plan) for task in tasks for plan in wave(task, fill.bank)]
            if not fill.run(plans, name=name):
                break  # later waves follow from the whole of this one
        return fill.result()


def waves_of(options: SeedsOptions, tasks: Sequence[Task]) -> Waves:
    """Return the waves that the options ask for; what is affordable is told by the first task of each kind."""
    first = {task.spec.kind: task for task in reversed(tasks)}
    return Waves(
        affordable={kind: affordable(task) for kind, task in first.items()},
        trainable={kind: trainable(task) for kind, task in first.items()},
        probes=options.probes,
        genotypes=options.genotypes,
        promising=options.promising,
        comparator=cache(partial(load_comparator, options.comparator)),
        iterations=options.iterations,
        repeats=options.repeats,
        rng_seed=options.rng_seed,
        space=options.search_space,
    )


@contextlib.contextmanager
def filling(options: SeedsOptions, *, deadline: Deadline | None = None) -> Iterator[BankFill]:
    """Be the only driver of a bank inside the block.

    Raises:
        OptionError: If the device is not there.
        InUseError: If another driver writes to the bank.
    """
    settings = EngineSettings.chosen(**options.running, device=options.device)
    budget = SeedsBudget(Deadline.of(options.time_budget) if deadline is None else deadline)
    with bank_lock(options.bank), Bank(options.bank) as bank:
        yield BankFill(bank, settings=settings, budget=budget, time_limit=options.time_limit, quiet=options.quiet)


class BankFill:
    """Runs what a bank lacks, and counts.

    Args:
        bank: Where records go.
        settings: Where and how trials run.
        budget: Which trials there is time for.
        time_limit: Seconds of a trial; None for no limit.
        quiet: Show no progress.
    """

    def __init__(
        self,
        bank: Bank,
        *,
        settings: EngineSettings,
        budget: SeedsBudget,
        time_limit: float | None = None,
        quiet: bool = True,
    ) -> None:
        self.bank = bank
        self._settings, self._budget, self._time_limit, self._quiet = settings, budget, time_limit, quiet
        self._statuses: Counter[str] = Counter()
        self._n_known = self._n_planned = 0

    def note_task(self, task: Task, embedding: NDArray[np.float32]) -> None:
        """Write down what the bank's trials are about."""
        spec = task.spec
        self.bank.add_task(
            task.hash,
            name=spec.name,
            family=spec.family,
            kind=spec.kind,
            embedding=embedding,
            embedding_version=EMBEDDING_VERSION,
        )

    def run(self, plans: Sequence[tuple[Task, TrialPlan]], *, name: str) -> bool:
        """Run those of a wave's trials that the bank lacks; return whether it has all of them now."""
        missing = [(task, plan) for task, plan in plans if record_in(self.bank, plan, task) is None]
        self._n_known += len(plans) - len(missing)
        self._n_planned += len(missing)
        expectations = [expected(task).trial(plan.iterations) for task, plan in missing]
        self._budget.longest = max([self._budget.longest, *expectations])
        planned, jobs = {}, []
        for task, plan in _interleave(missing):
            job = trial_job(plan, task, device=self._settings.device, time_limit=self._time_limit)
            planned[job.id] = (task, plan)
            jobs.append(job)
        how = {**self._settings.arguments, "ends": self._budget.ends, "time_limit": last_resort(self._time_limit)}
        with Progress(total=len(jobs), name=name, quiet=self._quiet) as progress:
            for result in run_candidates(self._budget.timely(jobs), **how):
                if not self._budget.ended(result):
                    continue
                task, plan = planned[result.id]
                record = outcome_of(result, plan, task).record
                progress.advance(f"{task.spec.name} {plan.genotype.key[:6]} {record.status}")
                self.bank.add(record)
                self._statuses[record.status] += 1
        self._budget.n_missing = self._n_planned - self._statuses.total()
        return not self._budget.n_missing

    def result(self) -> SeedsResult:
        """Return the counts and the printed summary.

        Raises:
            TimeBudgetError: If trials were to be run and not one came to its end.
        """
        n_new = self._statuses.total()
        counts = ", ".join(f"{count} {status}" for status, count in sorted(self._statuses.items())) or "nothing to do"
        text = f"{n_new} new trials ({counts}), {self._n_known} known already; "
        text += f"{self.bank.path} holds {len(self.bank)} records{self._budget.sentence(self._n_planned)}"
        return SeedsResult(n_new=n_new, n_known=self._n_known, statuses=dict(self._statuses), text=text)


def _interleave(work: Sequence[tuple[Task, TrialPlan]]) -> list[tuple[Task, TrialPlan]]:
    """Order trials so that all tasks advance together: an interrupted bank is still a balanced one."""
    position: dict[str, int] = {}
    order = []
    for index, (task, _) in enumerate(work):
        position[task.hash] = position.get(task.hash, -1) + 1
        order.append((position[task.hash], index))
    return [work[index] for _, index in sorted(order)]
