"""What a search may spend, how it goes through its candidates, and the stages that it has."""

from nas.choosing.source import NamedSource, TaskSource
from nas.options.search import SearchSettings
from nas.strategies import Plan, Strategy
from nas.trials.tried import round_name
from nas.verification import STAGE

MOST_ENTRANTS = 5
"""Encoders that are scored on test: the answer, the same untrained, and its rivals."""


def plan_of(settings: SearchSettings) -> Plan:
    """Return what a search may spend."""
    return Plan.of(settings.iterations, top_k=settings.top_k, landmarks=settings.landmarks)


def stages_of(settings: SearchSettings, plan: Plan) -> dict[str, tuple[int, int]]:
    """Return the stages of a search as `WholeProgress` has them."""
    named = settings.preset is not None or settings.genotype is not None
    rounds = {round_name(iterations): (places, iterations) for iterations, places in ((0, plan.landmarks), *plan.rungs)}
    if named:  # beside it, only TS2Vec
        rounds = {name: (min(places, 2), iterations) for name, (places, iterations) in rounds.items()}
    return {**rounds, STAGE: (MOST_ENTRANTS + 1, 0)}


def strategy_of(settings: SearchSettings, source: TaskSource | NamedSource, plan: Plan) -> Strategy:
    """Return how a search goes through its candidates; one that the user named is trained whatever validation says."""
    if isinstance(source, NamedSource):
        return source.strategy(plan)
    options = {"update": settings.policy_update} if settings.strategy == "policy" else {}
    return source.strategy(plan, name=settings.strategy, **options)
