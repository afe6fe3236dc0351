"""`tscnas search --dry-run` and `tscnas seeds --dry-run`: what would run, for how long, with how much disk and memory.

Nothing is written. Two candidates of each task are trained for a few iterations in workers, as the real ones are.
"""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ahc.bank import Bank
from downstream.data import load_task
from downstream.evaluation import linear_only
from downstream.task import Task
from nas.budget.deadline import Deadline
from nas.budget.estimate import Estimate, estimate_trials
from nas.budget.pilot import makespan, measure, most_memory
from nas.cli.text import Shown
from nas.engines.settings import EngineSettings
from nas.errors import NothingTrainedError
from nas.options.running import RunningOptions
from nas.options.search import SearchOptions
from nas.options.seeding import SeedsOptions
from nas.runs.stopwatch import Stopwatch
from nas.search import choose_candidates
from nas.search_run import halving_of, n_entrants
from nas.seeding.manifest import read_manifest
from nas.seeding.waves import Waves
from nas.trials.trial import TrialPlan, record_in
from search_space.genotype import Genotype

_LONGEST = 300.0  # seconds of measuring one task
_RECORD = 2_000  # bytes of a trial in a bank
_ASKED = 6  # candidates of a task of `seeds` about whom the cost model is asked, which takes up to a second each


def estimate_search(options: SearchOptions) -> Shown:
    """Return the stages, candidates and iterations of a search, its time, disk and memory.

    Raises:
        DataError: If the data is at fault.
        NothingTrainedError: If the timed candidates could not be trained.
    """
    deadline = Deadline.of(options.time_budget)
    task = load_task(options.data, kind=options.task, window=options.window, **options.reading)
    task = task if options.svm else linear_only(task)
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
    n_encoders = n_entrants(options) if task.has_test else 0
    verified = estimate.measured.verified(n_encoders, workers=workers)
    known = "" if verified is not None else f"; one took more than {_LONGEST:g} s here, what is above is without it"
    what = f"verify on test: {n_encoders} encoders and the baselines; " if task.has_test else ""
    stages.append((f"{what}fit the predictor{known}", verified or 0.0))
    # the chosen encoder lies beside those of all trials
    disk = sum(estimate.file_bytes(plan) + _RECORD for plan in (*first, *last, untrained, untrained))
    what = f"search {task.spec.name}"
    return _told(what, stages, estimate.worker_bytes, disk=disk, options=options, workers=workers)


def estimate_seeds(options: SeedsOptions) -> Shown:
    """Return the trials of every wave of `tscnas seeds`, their time, disk and memory.

    Raises:
        DataError: If the manifest or a task's data is at fault.
        NothingTrainedError: If the timed candidates of a task could not be trained.
    """
    deadline = Deadline.of(options.time_budget)
    tasks = [entry.load(Path(options.data)) for entry in read_manifest(options.manifest)]
    settings = EngineSettings.chosen(**options.running, device=options.device)
    waves = Waves(
        options.genotypes,
        options.iterations,
        repeats=options.repeats,
        rng_seed=options.rng_seed,
        space=options.search_space,
    )
    stages, worker_bytes, n_trials = [("read tasks", deadline.used)], 0, 0
    for task in tasks:
        plans, n_later = waves.first(task), waves.n_later
        asked = plans[:: max(1, len(plans) // _ASKED)]
        timed = [asked[0].genotype, asked[-1].genotype]
        estimate = _estimate(task, timed, asked, settings=settings, verification=False)
        missing = _missing(task, plans, bank=Path(options.bank))
        seconds = [estimate.seconds(plan) for plan in missing]
        mean = sum(estimate.seconds(plan) for plan in asked) / len(asked)
        what = f"{len(missing)} of {len(plans)} shared and random candidates, {n_later} repeated and evolved"
        stage = f"{task.spec.name}: {what}, {options.iterations} iterations each"
        stages.append((stage, (sum(seconds) + n_later * mean) / settings.workers))
        n_trials += len(missing) + n_later
        worker_bytes = max(worker_bytes, estimate.worker_bytes)
    what = f"seeds {options.manifest}"
    return _told(what, stages, worker_bytes, disk=n_trials * _RECORD, options=options, workers=settings.workers)


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
    if not bank.is_file():
        return list(plans)
    with Bank(bank, read_only=True) as opened:
        return [plan for plan in plans if record_in(opened, plan, task) is None]


def _in_words(plans: Sequence[TrialPlan]) -> str:
    counts = Counter(plan.iterations for plan in plans)
    return ", ".join(f"{number} x {iterations} iterations" for iterations, number in sorted(counts.items()))


def _told(
    what: str,
    stages: Sequence[tuple[str, float]],
    worker_bytes: int,
    *,
    disk: int,
    options: RunningOptions,
    workers: int,
) -> Shown:
    total = sum(seconds for _, seconds in stages)
    lines = [f"Dry run of {what}: nothing was written.", *(f"  {_clock(at)}  {name}" for name, at in stages)]
    lines.append(f"  {_clock(total)}  in all, with {workers} workers")
    if options.time_budget is not None:
        over = "it would be cut" if total > options.time_budget else "nothing would be cut"
        lines.append(f"Time budget {options.time_budget:g} s: {over}.")
    memory = f"{_megabytes(worker_bytes)} a worker, {_megabytes(most_memory() + workers * worker_bytes)} in all"
    lines.append(f"Memory: about {memory} (workers share part of it).")
    lines.append(f"Disk: about {_megabytes(disk)}.")
    return Shown("\n".join(lines))


def _clock(seconds: float) -> str:
    size, unit = (1, "s") if seconds < 600 else (60, "min") if seconds < 36_000 else (3600, "h")
    return f"{seconds / size:.0f} {unit}".rjust(7)


def _megabytes(n_bytes: int) -> str:
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1e3:.0f} kB"
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes < 10_000_000 else f"{n_bytes / 1e6:,.0f} MB"
