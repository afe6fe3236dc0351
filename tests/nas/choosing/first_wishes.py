"""What a search would try first."""

from downstream.task import Task
from nas.choosing.source import NamedSource, TaskSource
from nas.options.search import SearchSettings
from nas.runs.stopwatch import Stopwatch
from nas.search import candidates_for
from nas.search_run import plan_of, strategy_of
from nas.strategies import Result
from search_space.genotype import Genotype


def source_of(task: Task, settings: SearchSettings) -> TaskSource | NamedSource:
    """Return where the candidates of a search come from."""
    return candidates_for(task, settings, clock=Stopwatch())


def first_wishes(task: Task, settings: SearchSettings) -> dict[str, list[Genotype]]:
    """Return the candidates that a search would probe first, by their group; all untrained ones score alike."""
    return first_wishes_from(source_of(task, settings), settings)


def first_wishes_from(source: TaskSource | NamedSource, settings: SearchSettings) -> dict[str, list[Genotype]]:
    """Return the same of a source of candidates."""
    strategy = strategy_of(settings, source, plan_of(settings))
    found: dict[str, list[Genotype]] = {}
    while (wishes := strategy.ask()) and not any(wish.iterations for wish in wishes):
        for wish in wishes:
            found.setdefault(wish.group, []).append(wish.genotype)
        strategy.tell([Result(wish.genotype, 0, ((0, 0.0),)) for wish in wishes])
    return found
