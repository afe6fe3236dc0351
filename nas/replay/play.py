"""Playing a strategy on a pool: how far the best that it has seen lies below the best there is, as costs grow."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nas.replay.pool import Pool
from nas.strategies import Plan, Result, Strategy, Wish
from search_space.genotype import Genotype

COSTS = tuple(percent / 100 for percent in range(1, 51))
"""Shares of what training the whole pool costs, at which regrets are read."""
MOST = 4.0
"""Regrets count at most as many deviations, and as many before the first trial has ended."""


class InOrder:
    """A strategy that trains candidates fully, one after the other.

    Args:
        genotypes: The candidates, first things first.
        iterations: Of a full trial.
    """

    def __init__(self, genotypes: Sequence[Genotype], *, iterations: int) -> None:
        self._wishes = [Wish(genotype, iterations) for genotype in genotypes]

    def ask(self) -> list[Wish]:
        """Return the next one."""
        return [self._wishes.pop(0)] if self._wishes else []

    def tell(self, results: Sequence[Result]) -> None:
        """Learn nothing."""


def plan_for(pool: Pool) -> Plan:
    """Return a plan in the scale of a pool: two thirds are landmarks, a sixth, a twelfth and a 24th have a rung."""
    n = len(pool.records)
    rungs = Plan.of(pool.iterations).rungs
    places = (max(1, n // 6), max(1, n // 12), max(1, n // 24))[-len(rungs) :]
    return Plan(max(1, 2 * n // 3), tuple((at, own) for (at, _), own in zip(rungs, places, strict=True)))


def play(strategy: Strategy, pool: Pool) -> NDArray[np.float64]:
    """Return the regret at each of `COSTS`, in robust deviations of the pool, (costs,).

    Trials of one round follow each other in their order; of a curve the best point counts, as the search keeps its
    weights.
    """
    budget, spent, best = COSTS[-1] * pool.seconds, 0.0, -np.inf
    costs, regrets = [0.0], [MOST]
    while spent < budget and (wishes := strategy.ask()):
        results = [pool.result(wish) for wish in wishes]
        for result in results:
            spent += result.seconds
            best = max([best, *(score for _, score in result.curve)])
            costs.append(spent)
            regrets.append(min(MOST, (pool.best - best) / pool.unit))
        strategy.tell(results)
    last = np.searchsorted(costs, np.array(COSTS) * pool.seconds, side="right") - 1
    return np.array(regrets)[last]
