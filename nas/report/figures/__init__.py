"""The figures of a run, by name: each is a function of its reading."""

from collections.abc import Callable, Mapping

from nas.report.figures.canvas import Drawing
from nas.report.figures.examples import examples
from nas.report.figures.history import history
from nas.report.figures.importance import importance
from nas.report.figures.map import embedding_map
from nas.report.figures.pareto import pareto
from nas.report.figures.ranking import ranking
from nas.report.figures.timeline import timeline
from nas.report.reading import RunReading

FIGURES: Mapping[str, Callable[[RunReading], Drawing]] = {
    "history": history,
    "pareto": pareto,
    "ranking": ranking,
    "importance": importance,
    "map": embedding_map,
    "examples": examples,
    "timeline": timeline,
}
