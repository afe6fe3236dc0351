"""`tscnas search --dry-run` and `tscnas seeds --dry-run`: what would run, for how long, with how much disk and memory.

Nothing is written. Two candidates of each task are trained for a few iterations in workers, as the real ones are.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ahc.bank import Bank
from downstream.data import load_task
from downstream.evaluation import linear_only
from downstream.task import Task
from nas.budget.deadline import Deadline
from nas.budget.estimate import Estimate, estimate_trials
from nas.budget.pilot import makespan, measure, most_memory
from nas.budget.search_budget import VERIFICATION_SHARE
from nas.choosing.portfolio import usual
from nas.choosing.source import NamedSource, TaskSource
from nas.cli.text import Shown
from nas.cost.encoder_cost import learns
from nas.engines.settings import EngineSettings
from nas.errors import NothingTrainedError
from nas.options.running import RunningOptions
from nas.options.search import SearchOptions
from nas.options.seeding import SeedsOptions
from nas.runs.stopwatch import Stopwatch
from nas.search import candidates_for
from nas.search_plan import MOST_ENTRANTS, plan_of, strategy_of
from nas.seeding.manifest import read_manifest
from nas.seeding.seeds import waves_of
from nas.strategies import Result
from nas.trials.trial import TrialPlan, record_in
from nas.trials.tried import round_name
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
    source = candidates_for(task, options, clock=Stopwatch())
    rounds = _planned(options, task, source)
    chosen = deadline.used
    every = [plan for steps in rounds.values() for plan, _ in steps]
    estimate = _estimate(task, [usual(task.spec.kind), every[0].genotype], every, settings=settings)
    workers = settings.workers
    n_ranked = 0 if source.ranking is None else source.ranking.n_ranked
    stages = [(f"read and rank: {n_ranked:,} candidates", chosen)]
    for name, steps in rounds.items():
        seconds = makespan([estimate.seconds(plan, done=done) for plan, done in steps], workers=workers)
        stages.append((f"{name}: {len(steps)} candidates", seconds))
    what = f"verify on test: {MOST_ENTRANTS} encoders and the baselines; " if task.has_test else ""
    trials = sum(seconds for _, seconds in stages[1:])
    stages.append((f"{what}fit the predictor: as a rule such a part of the trials", VERIFICATION_SHARE * trials))
    # the answer lies beside the encoders of all trials
    sizes = [estimate.file_bytes(plan) for plan in every]
    disk = sum(size + _RECORD for size in sizes) + options.members * max(sizes)
    what = f"search {task.spec.name}"
    return _told(what, stages, estimate.worker_bytes, disk=disk, options=options, workers=workers)


def _planned(
    options: SearchOptions, task: Task, source: TaskSource | NamedSource
) -> dict[str, list[tuple[TrialPlan, int | None]]]:
    """Return the rounds of a search by name: its trials, and what iterations of them an earlier round has done.

    Scores are not known yet, so all candidates are told to be alike.
    """
    plan = plan_of(options)
    strategy = strategy_of(options, source, plan)
    points = (0, *(iterations for iterations, _ in plan.rungs))
    rounds: dict[str, list[tuple[TrialPlan, int | None]]] = {}
    curves: dict[str, tuple[tuple[int, float], ...]] = {}
    while wishes := strategy.ask():
        for wish in wishes:
            before = curves.get(wish.genotype.key, ())
            trial = TrialPlan(wish.genotype, wish.iterations, options.rng_seed, "search", probe_at=points)
            done = before[-1][0] if before else None
            rounds.setdefault(round_name(wish.iterations), []).append((trial, done))
            curves[wish.genotype.key] = (*before, (wish.iterations, 0.0))
        told = []
        for wish in wishes:
            cell = wish.genotype.encoder  # most have nothing to learn, which is told sooner than what training costs
            final = not (learns(cell, variates=task.n_variates) and source.trainable(wish.genotype))
            told.append(Result(wish.genotype, wish.iterations, curves[wish.genotype.key], final=final))
        strategy.tell(told)
    return rounds


def estimate_seeds(options: SeedsOptions) -> Shown:
    """Return the trials of every wave of `tscnas seeds`, their time, disk and memory.

    Raises:
        DataError: If the manifest or a task's data is at fault.
        NothingTrainedError: If the timed candidates of a task could not be trained.
    """
    deadline = Deadline.of(options.time_budget)
    tasks = [entry.load(Path(options.data)) for entry in read_manifest(options.manifest)]
    settings = EngineSettings.chosen(**options.running, device=options.device)
    waves = waves_of(options, tasks)
    stages, worker_bytes, n_trials = [("read tasks", deadline.used)], 0, 0
    for task in tasks:
        plans, later = waves.first(task), waves.later
        asked = plans[:: max(1, len(plans) // _ASKED)]
        timed = [asked[0].genotype, asked[-1].genotype]
        trained = [replace(plan, iterations=options.iterations) for plan in asked]
        estimate = _estimate(task, timed, trained, settings=settings)
        missing = _missing(task, plans, bank=Path(options.bank))
        mean = {
            n: sum(estimate.seconds(replace(plan, iterations=n)) for plan in asked) / len(asked) for n in {0, *later}
        }
        seconds = len(missing) * mean[0] + sum(count * mean[iterations] for iterations, count in later.items())
        what = f"{len(missing)} of {len(plans)} untrained probes of shared and random candidates"
        what += f", {later.total()} more: probes, trainings to {options.iterations} iterations at most, and repeats"
        stage = f"{task.spec.name}: {what}"
        stages.append((stage, seconds / settings.workers))
        n_trials += len(missing) + later.total()
        worker_bytes = max(worker_bytes, estimate.worker_bytes)
    what = f"seeds {options.manifest}"
    return _told(what, stages, worker_bytes, disk=n_trials * _RECORD, options=options, workers=settings.workers)


def _estimate(
    task: Task, timed: Sequence[Genotype], plans: Sequence[TrialPlan], *, settings: EngineSettings
) -> Estimate:
    genotypes = list({genotype.key: genotype for genotype in timed}.values())
    timings = measure(task, genotypes, settings=settings, ends=time.monotonic() + _LONGEST)
    if not timings:
        raise NothingTrainedError(f"{task.spec.name}: the candidates to be timed could not be trained")
    trained = [*genotypes, *(plan.genotype for plan in plans if plan.iterations)]
    return estimate_trials(task, timings, trained=trained, probed=(plan.genotype for plan in plans))


def _missing(task: Task, plans: Sequence[TrialPlan], *, bank: Path) -> list[TrialPlan]:
    if not bank.is_file():
        return list(plans)
    with Bank(bank, read_only=True) as opened:
        return [plan for plan in plans if record_in(opened, plan, task) is None]


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
