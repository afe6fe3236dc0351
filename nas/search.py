"""The main job: from a task to a chosen, trained and verified encoder."""

from dataclasses import replace
from typing import Any

from ahc.checkpoint import load_comparator
from ahc.task_embedding import embed_task
from downstream.data import load_task
from downstream.task import Task
from nas.budget.deadline import Deadline
from nas.choosing.candidates import Candidates, acceptable, named_candidate, pick, rank_drawn, refine, space_for
from nas.choosing.cost_limits import cost_limit, forward_cost
from nas.options.search import SearchOptions, SearchSettings
from nas.runs.stopwatch import Stopwatch
from nas.search_run import SearchResult, SearchRun
from search_space.sentences import count_text


def search(options: SearchOptions) -> SearchResult:
    """Choose, train, verify and save an encoder for a dataset; see `search_task`.

    Raises:
        DataError: If the data is at fault.
    """
    deadline, clock = Deadline.of(options.time_budget), Stopwatch()
    with clock("read data"):
        task = load_task(options.data, kind=options.task, window=options.window, **options.reading)
    return search_task(task, options, clock=clock, deadline=deadline)


def search_task(
    task: Task,
    settings: SearchSettings,
    *,
    clock: Stopwatch | None = None,
    deadline: Deadline | None = None,
    kept: bool = True,
) -> SearchResult:
    """Choose, train, verify and save an encoder for a task.

    The comparator ranks candidates without training; the best few, as many random ones and the TS2Vec preset are
    trained with validation probes along the way; the best on validation is tested, once, beside its rivals. An
    interrupted run goes on where it stopped; a finished one is shown again. With a time budget fewer are trained, or
    less long, and the answer says what was cut.

    Args:
        task: Its test part must not have been opened.
        settings: What to search and where to write.
        clock: Where stages that came before are noted.
        deadline: By default the time budget counts from here.
        kept: Whether the run folder stays; texts name no other.

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
    with run.begun():
        if run.finished:
            return run.shown_again()
        candidates = choose_candidates(task, settings, clock=run.clock)
        entrants = run.train(candidates)
        return run.hand_over(entrants, run.verify(entrants))


def choose_candidates(task: Task, settings: SearchSettings, *, clock: Stopwatch) -> Candidates:
    """Return the candidates to train: the one that the user named, or the comparator's picks and random ones.

    Nothing is trained for it. All are within the limits on their cost, but for one that the user named.

    Raises:
        CheckpointError: If the comparator's file is at fault.
        SpaceError: If the space's file holds no search space.
        OptionError: If a named genotype's file is at fault, or the task has not what the genotype needs.
        SamplingError: If the limits on cost leave too few candidates.

    Warns:
        UnlearnedWarning: Of options of the space that the comparator lacks.
    """
    named = named_candidate(task, preset_name=settings.preset, file=settings.genotype)
    if named is not None:
        return named
    with clock("load comparator"):
        comparator = load_comparator(settings.comparator)
    with clock("embed task"):
        embedding = embed_task(task)
    space = space_for(task, settings.search_space)
    how: dict[str, Any] = {
        "rng_seed": settings.rng_seed,
        "space": space,
        "accept": acceptable(task, cost_limit(task, **settings.limits)),
    }
    with clock("rank candidates"):
        ranking = rank_drawn(comparator, embedding, n=settings.candidates, **how)
    n_ranked, size = ranking.n_ranked, space.canonical_size()["total"]
    if size > settings.candidates:  # otherwise there is nothing left to find
        with clock("refine by evolution"):
            ranking = refine(ranking, comparator, embedding, **how)
    candidates = pick(ranking, top_k=settings.top_k, n_ranked=n_ranked, cost=forward_cost(task), **how)
    return candidates if settings.space == "default" else replace(candidates, space=_in_words(settings, size, n_ranked))


def _in_words(settings: SearchSettings, size: int, n_ranked: int) -> str:
    """Return which space was searched, and how much of a small one."""
    ranked = f"; {'all' if n_ranked == size else n_ranked} of them ranked" if size <= settings.candidates else ""
    return f"Space: {settings.space_name}, {count_text(size)} different genotype{'s' * (size > 1)}{ranked}"
