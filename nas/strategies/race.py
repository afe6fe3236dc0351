"""A race: many candidates are probed untrained, and the best so far are trained longer and longer."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nas.strategies.belief import believe
from nas.strategies.strategy import RANDOM, Foresight, Result, Wish
from search_space.genotype import Genotype

Floats = Sequence[float]
Standing = Callable[[Sequence[Result], Floats, Floats, int], NDArray[np.float64]]
"""Says how good candidates are: (results, foreseen scores and gains, iterations of a full training) -> values."""


def by_posterior(results: Sequence[Result], priors: Floats, gains: Floats, iterations: int) -> NDArray[np.float64]:
    """Return what a full training is expected to give, (candidates,)."""
    return believe(results, prior=priors, gains=gains, iterations=iterations).mean


def by_latest(results: Sequence[Result], _priors: Floats, _gains: Floats, _iterations: int) -> NDArray[np.float64]:
    """Return the last score of those that were trained longest, the others are out; (candidates,)."""
    longest = max(result.iterations for result in results)
    return np.array([r.curve[-1][1] if r.final or r.iterations == longest else -np.inf for r in results])


class Race:
    """Groups of candidates race side by side, each for its own places of every rung.

    A candidate may be in several groups and is tried once. Every rung takes the best of all that were tried, so a
    candidate that a landmark hides may still come up. One that is `final` takes no place of a rung: it stands as it is.

    Args:
        groups: Name -> candidates, best guess first. The blind rival `random` knows nothing of the comparator.
        rungs: (iterations, places of all groups together), shared equally as far as groups can fill them; each has at
            least one.
        source: What the comparator says, if there is one.
        landmarks: Whether all candidates are probed untrained first.
        standing: Who is good.
        known: What is known of candidates already.
    """

    def __init__(
        self,
        groups: Mapping[str, Sequence[Genotype]],
        *,
        rungs: Sequence[tuple[int, int]],
        source: Foresight,
        landmarks: bool = True,
        standing: Standing = by_posterior,
        known: Sequence[Result] = (),
    ) -> None:
        self._groups = groups
        everyone = sum(len(group) for group in groups.values()) * len(groups)
        self._rungs = [*([(0, everyone)] if landmarks else []), *rungs]
        self._full = rungs[-1][0]
        self._source = source
        self._standing = standing
        self._results = {result.genotype.key: result for result in known}

    def ask(self) -> list[Wish]:
        """Return the trials of the next rung that has any."""
        while self._rungs:
            iterations, places = self._rungs.pop(0)
            values = self._values()
            wishes: dict[str, Wish] = {}
            left = places
            # the smallest group first: places that it cannot fill are there for the others
            open_to = {name: [one for one in group if not self._is_final(one)] for name, group in self._groups.items()}
            for at, (name, group) in enumerate(sorted(open_to.items(), key=lambda item: len(item[1]))):
                own = max(1, -(-left // (len(open_to) - at)))
                best = _best(group, own, values)
                left -= len(best)
                for genotype in best:
                    known = self._results.get(genotype.key)
                    if known is None or known.iterations < iterations:
                        wishes.setdefault(genotype.key, Wish(genotype, iterations, name))
            if wishes:
                return [*wishes.values()]
        return []

    def tell(self, results: Sequence[Result]) -> None:
        """Take what became of the trials; what failed is out."""
        self._results |= {result.genotype.key: result for result in results}

    def _is_final(self, genotype: Genotype) -> bool:
        known = self._results.get(genotype.key)
        return known is not None and known.final

    def _values(self) -> dict[str, float]:
        """Return how good each candidate is that was tried, by key; what failed is infinitely bad."""
        tried = [result for result in self._results.values() if result.curve]
        blind = {genotype.key for genotype in self._groups.get(RANDOM, ())}
        priors, gains = (
            [0.0 if result.genotype.key in blind else says(result.genotype) for result in tried]
            for says in (self._source.score, self._source.gain)
        )
        values = self._standing(tried, priors, gains, self._full).tolist() if tried else []
        failed = dict.fromkeys(self._results, -math.inf)
        return failed | dict(zip((result.genotype.key for result in tried), values, strict=True))


def _best(group: Sequence[Genotype], places: int, values: Mapping[str, float]) -> list[Genotype]:
    """Return the best of a group; of one that nothing is known of, the first."""
    tried = [genotype for genotype in group if genotype.key in values]
    if not tried:
        return [*group[:places]]
    alive = [genotype for genotype in tried if values[genotype.key] > -math.inf]
    return sorted(alive, key=lambda genotype: -values[genotype.key])[:places]
