"""`evolution`: regularised evolution (Real et al. 2019, arXiv:1802.01548) on real trials.

The population ages: who came first leaves, however good, so that a lucky score does not stay.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nas.strategies.landmark import Landmark
from nas.strategies.race import Race
from nas.strategies.strategy import SEARCHED, Plan, Result, Source, Wish
from search_space.drawing import SamplingError
from search_space.genotype import Genotype

_ATTEMPTS = 20  # to get a child that was not tried


class Evolution:
    """The strategy.

    Landmarks choose the first population; all trials of a life have the iterations of the first rung; what the plan's
    steps leave for the last rung goes to the best by posterior. Deliberate difference: children of one moment are tried
    side by side.

    Args:
        source: Where candidates and mutants come from.
        plan: Its optimiser steps are the budget.
        rng: Source of randomness.
        tournament: Share of the population that a parent is the best of; the paper's is 25 of 100.
        litter: Children tried at a time.
    """

    def __init__(
        self, source: Source, plan: Plan, rng: np.random.Generator, *, tournament: float = 0.25, litter: int = 4
    ) -> None:
        self._source, self._rng, self._litter = source, rng, litter
        (self._iterations, self._size), (longest, places) = plan.rungs[0], plan.rungs[-1]
        self._entrants = max(1, round(tournament * self._size))
        self._last = (longest, places)
        self._steps = plan.steps - longest * places * (len(plan.rungs) > 1)
        self._beginning = Landmark(source, replace(plan, rungs=plan.rungs[:1]), rng, rival=SEARCHED)
        self._begun = False
        self._population: deque[Result] = deque(maxlen=self._size)
        self._tried: dict[str, Result] = {}
        self._end: Race | None = None

    def ask(self) -> list[Wish]:
        """Return landmarks, then the first population, then children, then the finalists."""
        if not self._begun:
            wishes = self._beginning.ask()
            if wishes:
                return wishes
            self._begun = True
            self._steps -= self._iterations * sum(result.iterations > 0 for result in self._tried.values())
            first = [result for result in self._tried.values() if result.curve and (result.iterations or result.final)]
            self._population.extend(sorted(first, key=lambda result: result.curve[-1][1]))  # the best stay longest
        if self._end is None:
            children = self._children(min(self._litter, self._steps // self._iterations))
            if children:
                self._steps -= self._iterations * len(children)
                return [Wish(child, self._iterations, SEARCHED) for child in children]
            known = [result for result in self._tried.values() if result.curve]
            groups = {SEARCHED: [result.genotype for result in known]}
            self._end = Race(groups, rungs=[self._last], source=self._source, landmarks=False, known=known)
        return self._end.ask()

    def tell(self, results: Sequence[Result]) -> None:
        """Take what became of the trials; the youngest take the place of the oldest."""
        self._tried |= {result.genotype.key: result for result in results}
        if not self._begun:
            self._beginning.tell(results)
        elif self._end is None:
            self._population.extend(result for result in results if result.curve)
        else:
            self._end.tell(results)

    def _children(self, n: int) -> list[Genotype]:
        """Return up to n mutants of winners of tournaments, none of them trained before."""
        children: dict[str, Genotype] = {}
        for _ in range(_ATTEMPTS * n if self._population else 0):
            if len(children) == n:
                break
            alive = len(self._population)
            entrants = self._rng.choice(alive, size=min(self._entrants, alive), replace=False)
            parent = max((self._population[at] for at in entrants), key=lambda result: result.curve[-1][1])
            try:
                child = self._source.child(parent.genotype)
            except SamplingError:  # the space has no other value for any gene
                continue
            known = self._tried.get(child.key)
            if known is None or (known.curve and known.iterations == 0 and not known.final):
                children[child.key] = child
        return [*children.values()]
