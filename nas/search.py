"""The main job: from a task to a chosen, trained and verified encoder."""

from collections.abc import Sequence
from typing import Any

from downstream.data import load_task
from downstream.task import Task
from nas.budget.deadline import Deadline
from nas.choosing.candidates import acceptable, named_candidate, space_for
from nas.choosing.cost_limits import affordable, cost_limit, trainable
from nas.choosing.ranker import Ranker
from nas.choosing.source import NamedSource, TaskSource
from nas.options.search import SearchOptions, SearchSettings
from nas.report.result import SearchResult
from nas.runs.log import warnings_heard
from nas.runs.stopwatch import Stopwatch
from nas.search_run import SearchRun
from search_space.space import default_space


def search(options: SearchOptions) -> SearchResult:
    """Choose, train, verify and save an encoder for a dataset; see `search_task`.

    Raises:
        DataError: If the data is at fault.
    """
    deadline, clock = Deadline.of(options.time_budget), Stopwatch()
    warned: list[str] = []
    with clock("read data"), warnings_heard(warned.append):
        task = load_task(options.data, kind=options.task, window=options.window, **options.reading)
    return search_task(task, options, clock=clock, deadline=deadline, warned=warned)


def search_task(
    task: Task,
    settings: SearchSettings,
    *,
    clock: Stopwatch | None = None,
    deadline: Deadline | None = None,
    kept: bool = True,
    warned: Sequence[str] = (),
) -> SearchResult:
    """Choose, train, verify and save an encoder for a task.

    A strategy asks for candidates: by default presets and blind draws are probed untrained on the task, then what the
    comparator ranks best given what presets score, and the best of all race through longer and longer training. From
    everything that was tried the few are selected whose probes add up best on validation; they are tested, once, beside
    their rivals. An interrupted run goes on where it stopped; a finished one is shown again. With a time budget fewer
    are tried, or trained less long, and the answer says what was cut.

    Args:
        task: Its test part must not have been opened.
        settings: What to search and where to write.
        clock: Where stages that came before are noted.
        deadline: By default the time budget counts from here.
        kept: Whether the run folder stays; texts name no other.
        warned: What the user was warned of while the data was read: the log says it, too.

    Returns:
        The result; everything in it is also in the run folder.

    Raises:
        OutputExistsError: If the run folder holds something else.
        InUseError: If another driver is at work on the run folder or on the bank.
        NothingTrainedError: If no candidate could be trained.
        TimeBudgetError: If the time budget left no time to train anything.
        MemoryBudgetError: If the memory budget is too small for anything.
        NotVerifiedError: If the scoring on the test part failed; what was trained is kept.
    """
    run = SearchRun(task, settings, clock=clock, deadline=deadline, kept=kept)
    for message in warned:
        run.folder.events.warned(message)
    with run.begun():
        if run.finished:
            return run.shown_again()
        source = candidates_for(task, settings, clock=run.clock)
        if settings.zero_shot:
            return run.hand_over_ranking(source)
        tried = run.try_out(source)
        entrants = run.choose(tried, source)
        return run.hand_over(entrants, run.verify(entrants), source)


def candidates_for(task: Task, settings: SearchSettings, *, clock: Stopwatch) -> TaskSource | NamedSource:
    """Return where candidates come from: the one that the user named, or presets, the comparator and blind draws.

    Nothing is trained for it, and nothing ranked before somebody asks. All but one that the user named are within the
    limits on their cost.

    Raises:
        SpaceError: If the space's file holds no search space.
        OptionError: If a named genotype's file is at fault, or the task has not what the genotype needs.
    """
    named = named_candidate(task, preset_name=settings.preset, file=settings.genotype)
    if named is not None:
        return NamedSource(task.spec.kind, named)
    space = space_for(task, settings.search_space)
    accept = acceptable(task, cost_limit(task, **settings.limits))
    cheap = affordable(task)
    how: dict[str, Any] = {"rng_seed": settings.rng_seed, "space": space, "accept": accept, "affordable": cheap}
    return TaskSource(
        task.spec.kind,
        trainable=trainable(task),
        presets=settings.search_space.key == default_space().key,
        ranker=Ranker(task, comparator=settings.comparator, candidates=settings.candidates, clock=clock, **how),
        **how,
    )
