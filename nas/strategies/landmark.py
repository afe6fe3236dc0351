"""`landmark`: many candidates are probed untrained on the task itself, half of them blind draws, and the best race."""

from collections.abc import Iterable, Sequence

import numpy as np

from nas.strategies.candidates import blind, designs, distinct
from nas.strategies.race import Race
from nas.strategies.strategy import RANDOM, SEARCHED, Plan, Result, Source, Wish
from search_space.genotype import Genotype

RANKED = 3
"""What is known to be good leaves one of so many places to what the comparator ranks first."""


class Landmark:
    """The strategy.

    Landmarks come in two rounds: what is known to be good and the blind draws tell the source what task it is, and
    what the comparator then thinks best has the places that are left, a third of those that are not blind at least.

    Args:
        source: Where candidates come from; it learns from the first round.
        plan: What may be spent.
        rng: Source of randomness; nothing is drawn from it.
        rival: The group that blind draws race in.
    """

    def __init__(self, source: Source, plan: Plan, rng: np.random.Generator, *, rival: str = RANDOM) -> None:
        del rng
        self._source, self._plan, self._rival = source, plan, rival
        n_blind = plan.landmarks // 2
        self._n = plan.landmarks - n_blind
        known = distinct(source.portfolio())
        self._searched = known[: self._n - self._n // RANKED]
        # what would be searched if nothing was learned: what is at fault with a ranking shows before anything is tried
        found = distinct([*self._searched, *designs(source, self._n), *known])[: self._n]
        self._foreseen = [*found, *blind(source, self._n - len(found), beside=found)]
        self._blind = blind(source, n_blind, beside=self._foreseen)
        self._results: dict[str, Result] = {}
        self._rounds = [self._known, self._ranked]
        self._race: Race | None = None

    def ask(self) -> list[Wish]:
        """Return the landmarks of the next round that has any, then the rungs of the race."""
        while self._rounds:
            wishes = self._rounds.pop(0)()
            if wishes:
                return wishes
        if self._race is None:
            groups = {SEARCHED: self._searched}
            groups[self._rival] = [*groups.get(self._rival, ()), *self._blind]
            known = [*self._results.values()]
            self._race = Race(groups, rungs=self._plan.rungs, source=self._source, landmarks=False, known=known)
        return self._race.ask()

    def tell(self, results: Sequence[Result]) -> None:
        """Take what became of the trials."""
        if self._race is None:
            self._results |= {result.genotype.key: result for result in results}
        else:
            self._race.tell(results)

    def _known(self) -> list[Wish]:
        return [*_landmarks(self._searched, SEARCHED), *_landmarks(self._blind, self._rival)]

    def _ranked(self) -> list[Wish]:
        self._source.learn([*self._results.values()])
        rivals = {genotype.key for genotype in self._blind}
        found = distinct([*self._searched, *designs(self._source, self._n), *self._foreseen])
        self._searched = [genotype for genotype in found if genotype.key not in rivals][: self._n]
        return _landmarks([one for one in self._searched if one.key not in self._results], SEARCHED)


def _landmarks(genotypes: Iterable[Genotype], group: str) -> list[Wish]:
    return [Wish(genotype, 0, group) for genotype in genotypes]
