"""What a search would try first."""

from downstream.task import Task
from nas.choosing.source import NamedSource, TaskSource
from nas.options.search import SearchSettings
from nas.runs.stopwatch import Stopwatch
from nas.search import candidates_for
from nas.search_run import plan_of, strategy_of
from search_space.genotype import Genotype


def source_of(task: Task, settings: SearchSettings) -> TaskSource | NamedSource:
    """Return where the candidates of a search come from."""
    return candidates_for(task, settings, clock=Stopwatch())


def first_wishes(task: Task, settings: SearchSettings) -> dict[str, list[Genotype]]:
    """Return the candidates of the first round of a search by their group."""
    wishes = strategy_of(settings, source_of(task, settings), plan_of(settings)).ask()
    return {name: [wish.genotype for wish in wishes if wish.group == name] for name in {wish.group for wish in wishes}}
