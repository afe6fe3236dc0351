"""Who goes to the test: the answer, the same untrained, and its rivals at equal cost."""

from dataclasses import dataclass, replace
from typing import Any

from downstream.task import Task
from nas.choosing.source import BESIDE, NAMED, NamedSource, TaskSource
from nas.combining.members import Entrant, best_point, choose, single
from nas.strategies.strategy import RANDOM
from nas.trials.runner import Trained
from nas.trials.tried import Tried
from search_space.presets import preset

CHOSEN, UNTRAINED, BEST, RANDOM_SEARCH = "chosen", "untrained encoder", "best single encoder", "random search"
COMBINATION = "combination"


@dataclass(frozen=True)
class Entrants:
    """Who goes to the test.

    Args:
        entrants: By name, `chosen` first.
        origin: Where the chosen one is from: `named`, `combination`, or what `TaskSource.origin` says.
        tried: All that was tried.
    """

    entrants: dict[str, Entrant]
    origin: str
    tried: Tried

    @property
    def chosen(self) -> Entrant:
        """The answer."""
        return self.entrants[CHOSEN]


def entrants_of(
    task: Task, tried: Tried, source: TaskSource | NamedSource, *, iterations: int, most: int, rng_seed: int
) -> Entrants:
    """Return who goes to the test; see `choose`.

    Args:
        task: The task.
        tried: At least one candidate with weights.
        source: Where the candidates came from; one that the user named is chosen whatever its rivals do.
        iterations: Of a full training.
        most: Most members of the answer.
        rng_seed: Of the estimate on validation.
    """
    how: dict[str, Any] = {"source": source, "iterations": iterations}
    if source.named is not None:
        chosen, origin = single(best_point(tried, [source.named.key], **how)), NAMED
    else:
        chosen = choose(task, tried, most=most, rng_seed=rng_seed, **how)
        alone = len(chosen.members) == 1
        origin = source.origin(chosen.members[0].genotype) if alone else COMBINATION
    found = {CHOSEN: chosen}
    untrained = [tried.point(one.genotype, 0) for one in chosen.members]
    there = [one for one in untrained if one is not None]
    if any(chosen.iterations) and len(there) == len(untrained):
        before = chosen.untrained_score
        score = float("nan") if before is None else before
        found[UNTRAINED] = replace(chosen, members=tuple(there), score=score, untrained_score=before)
    if len(chosen.members) > 1:
        found[BEST] = single(best_point(tried, [*tried.results], **how))
    ts2vec = tried.of(preset("ts2vec", kind=task.spec.kind))
    if ts2vec:
        found[BESIDE] = single(ts2vec[-1])
    blind = [key for key in sorted(tried.groups.get(RANDOM, ())) if tried.results[key].curve]
    if blind:
        found[RANDOM_SEARCH] = single(best_point(tried, blind, **how))
    return Entrants(_different(found), origin, tried)


def _different(found: dict[str, Entrant]) -> dict[str, Entrant]:
    """Leave out rivals that are the chosen one."""
    mine: tuple[Trained, ...] = found[CHOSEN].members
    return {name: one for name, one in found.items() if name == CHOSEN or one.members != mine}
