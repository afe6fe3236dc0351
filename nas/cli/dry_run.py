"""`tscnas search --dry-run` and `tscnas seeds --dry-run`: what would run, for how long, with how much disk and memory.

Nothing is written. Two candidates of each task are trained for a few iterations in workers, as the real ones are.
"""

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ahc.bank import Bank
from downstream.data import load_task
from downstream.task import Task
from nas.budget.deadline import Deadline
from nas.budget.estimate import Estimate, estimate_trials
from nas.budget.pilot import makespan, measure
from nas.engines.settings import EngineSettings
from nas.errors import NothingTrainedError
from nas.options.search import SearchOptions
from nas.options.seeding import SeedsOptions
from nas.runs.stopwatch import Stopwatch
from nas.search import choose_candidates
from nas.search_run import halving_of, n_entrants
from nas.seeding.manifest import read_manifest
from nas.seeding.waves import Waves
from nas.trials.trial import TrialPlan
from search_space.genotype import Genotype

_LONGEST = 300.0  # seconds of measuring one task
_RECORD = 2_000  # bytes of a trial in a bank
_ASKED = 6  # candidates of a task of `seeds` about whom the cost model is asked, which takes up to a second each


@dataclass(frozen=True)
class DryRun:
    """What would be run; `text` is printed."""

    text: str
    seconds: float


def estimate_search(options: SearchOptions) -> DryRun:
    """Return the stages, candidates and iterations of a search, its time, disk and memory.

    Raises:
        DataError: If the data is at fault.
        NothingTrainedError: If the timed candidates could not be trained.
    """
    deadline = Deadline.of(options.time_budget)
    task = load_task(options.data, kind=options.task, window=options.window, **options.reading)
    settings = EngineSettings.chosen(**options.running, device=options.device)
    candidates = choose_candidates(task, options, clock=Stopwatch())
    chosen = deadline.used
    halving = halving_of(options, task)
    first, last = halving.planned(candidates.groups)
    timed = [*halving.extra, last[-1].genotype]
    estimate = _estimate(task, timed, [*first, *last], settings=settings, verification=True)
    workers = settings.workers
    untrained = halving.untrained(last[-1].genotype)
    stages = [(f"read and rank: {candidates.n_ranked:,} candidates", chosen)]
    for name, plans in (("train, first round", first), ("train, last round", last), ("untrained encoder", [untrained])):
        if plans:
            seconds = makespan([estimate.seconds(plan) for plan in plans], workers=workers)
            stages.append((f"{name}: {_in_words(plans)}", seconds))
    n_encoders = n_entrants(options)
    verified = estimate.measured.verified(n_encoders, workers=workers) if task.has_test else 0.0
    known = "" if verified is not None else f"; one took more than {_LONGEST:g} s here, what is above is without it"
    stages.append((f"verify on test: {n_encoders} encoders and the baselines{known}", verified or 0.0))
    # the chosen encoder lies beside those of all trials
    disk = sum(estimate.file_bytes(plan) + _RECORD for plan in (*first, *last, untrained, untrained))
    return _text(
        f"search {task.spec.name}",
        stages,
        estimate.worker_bytes,
        disk=disk,
        workers=workers,
        budget=options.time_budget,
    )


def estimate_seeds(options: SeedsOptions) -> DryRun:
    """Return the trials of every wave of `tscnas seeds`, their time, disk and memory.

    Raises:
        DataError: If the manifest or a task's data is at fault.
        NothingTrainedError: If the timed candidates of a task could not be trained.
    """
    deadline = Deadline.of(options.time_budget)
    tasks = [entry.load(Path(options.data)) for entry in read_manifest(options.manifest)]
    settings = EngineSettings.chosen(**options.running, device=options.device)
    waves = Waves(options.genotypes, options.iterations, repeats=options.repeats, rng_seed=options.rng_seed)
    begun = deadline.used
    workers = settings.workers
    stages, worker_bytes, n_trials, trials = [("read tasks", begun)], 0, 0, []
    for task in tasks:
        plans, n_later = waves.first(task), waves.n_later
        asked = plans[:: max(1, len(plans) // _ASKED)]
        timed = [asked[0].genotype, asked[-1].genotype]
        estimate = _estimate(task, timed, asked, settings=settings, verification=False)
        missing = plans if not Path(options.bank).is_file() else _missing(task, plans, bank=Path(options.bank))
        seconds = [estimate.seconds(plan) for plan in missing]
        mean = sum(estimate.seconds(plan) for plan in asked) / len(asked)
        trials += [*seconds, *[mean] * n_later]
        stages.append(
            (
                f"{task.spec.name}: {len(missing)} of {len(plans)} shared and random candidates, "
                f"{n_later} repeated and evolved, {options.iterations} iterations each",
                (sum(seconds) + n_later * mean) / workers,
            )
        )
        n_trials += len(missing) + n_later
        worker_bytes = max(worker_bytes, estimate.worker_bytes)
    disk = n_trials * _RECORD
    return _text(
        f"seeds {options.manifest}", stages, worker_bytes, disk=disk, workers=workers, budget=options.time_budget
    )


def _estimate(
    task: Task,
    timed: Sequence[Genotype],
    plans: Sequence[TrialPlan],
    *,
    settings: EngineSettings,
    verification: bool,
) -> Estimate:
    genotypes = list({genotype.key: genotype for genotype in timed}.values())
    ends = time.monotonic() + _LONGEST
    measured = measure(task, genotypes, settings=settings, ends=ends, verification=verification)
    if not measured.timings:
        raise NothingTrainedError(f"{task.spec.name}: the candidates to be timed could not be trained")
    asked = {genotype.key: genotype for genotype in (*timed, *(plan.genotype for plan in plans))}
    return estimate_trials(task, measured, asked.values())


def _missing(task: Task, plans: Sequence[TrialPlan], *, bank: Path) -> list[TrialPlan]:
    with Bank(bank, read_only=True) as opened:
        known = {
            (record.genotype_key, record.iterations, record.rng_seed) for record in opened.records(task_hash=task.hash)
        }
    return [plan for plan in plans if (plan.genotype.key, plan.iterations, plan.rng_seed) not in known]


def _in_words(plans: Sequence[TrialPlan]) -> str:
    counts: dict[int, int] = {}
    for plan in plans:
        counts[plan.iterations] = counts.get(plan.iterations, 0) + 1
    return ", ".join(f"{number} x {iterations} iterations" for iterations, number in sorted(counts.items()))


def _text(
    what: str,
    stages: Sequence[tuple[str, float]],
    worker_bytes: int,
    *,
    disk: int,
    workers: int,
    budget: float | None,
) -> DryRun:
    total = sum(seconds for _, seconds in stages)
    driver = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    lines = [f"Dry run of {what}: nothing was written.", *(f"  {_clock(at)}  {name}" for name, at in stages)]
    lines.append(f"  {_clock(total)}  in all, with {workers} workers")
    if budget is not None:
        over = "it would be cut" if total > budget else "nothing would be cut"
        lines.append(f"Time budget {budget:g} s: {over}.")
    lines.append(
        f"Memory: about {_megabytes(worker_bytes)} a worker, {_megabytes(driver + workers * worker_bytes)} in all "
        "(workers share part of it)."
    )
    lines.append(f"Disk: about {_megabytes(disk)}.")
    return DryRun("\n".join(lines), seconds=total)


def _clock(seconds: float) -> str:
    text = (
        f"{seconds:.0f} s"
        if seconds < 600
        else f"{seconds / 60:.0f} min"
        if seconds < 36_000
        else f"{seconds / 3600:.0f} h"
    )
    return text.rjust(7)


def _megabytes(n_bytes: int) -> str:
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1e3:.0f} kB"
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes < 10_000_000 else f"{n_bytes / 1e6:,.0f} MB"
