"""What a strategy of a search is: it asks for trials, and is told what became of them.

A strategy holds no files and draws from its generator alone, so what it asks for follows from that and from what it
was told: a search that goes on tells it the known results again.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from search_space.genotype import Genotype

SEARCHED, RANDOM = "searched", "random"

_Option = TypeVar("_Option", bound=Hashable)


@dataclass(frozen=True)
class Wish:
    """One trial that a strategy wants.

    Args:
        genotype: The candidate.
        iterations: Optimiser steps; 0 is a landmark: the untrained encoder is probed.
        group: `searched`, or `random` for the blind rival at equal cost.
    """

    genotype: Genotype
    iterations: int
    group: str = SEARCHED


@dataclass(frozen=True)
class Result:
    """What became of a wish.

    Args:
        genotype: The candidate.
        iterations: As the wish says.
        curve: (iteration, validation score with larger = better), ascending; empty where the trial failed.
        noise: Standard error of such a score on this validation set; 0 where unknown.
        seconds: What it took.
        final: More iterations would change nothing.
    """

    genotype: Genotype
    iterations: int
    curve: tuple[tuple[int, float], ...]
    noise: float = 0.0
    seconds: float = 0.0
    final: bool = False


@dataclass(frozen=True)
class Plan:
    """What a strategy may spend.

    Args:
        landmarks: Untrained candidates that are probed.
        rungs: (iterations, how many candidates), iterations ascending.
    """

    landmarks: int = 64
    rungs: tuple[tuple[int, int], ...] = ((25, 16), (50, 8), (100, 4))

    @classmethod
    def of(cls, iterations: int = 100, *, top_k: int = 4, landmarks: int = 64) -> "Plan":
        """Return rungs at a quarter, half and all of the iterations; of those that fall together, the last."""
        shares = ((0.25, 4), (0.5, 2), (1.0, 1))
        rungs = {max(1, round(share * iterations)): places * top_k for share, places in shares}
        return cls(landmarks, tuple(rungs.items()))

    @property
    def steps(self) -> int:
        """Optimiser steps of all rungs together."""
        return sum(iterations * places for iterations, places in self.rungs)


class Pick(Protocol):
    """Takes one of the options of a named choice, of which there is at least one."""

    def __call__(self, name: str, options: Sequence[_Option], /) -> _Option:
        """Return the option that is taken."""
        ...


class PolicySpace(Protocol):
    """A genotype as a sequence of choices, in which what may follow depends on what came before."""

    def build(self, pick: Pick) -> Genotype:
        """Return the genotype that a sequence of picks makes; only legal options are offered."""
        ...


class Foresight(Protocol):
    """Who knows something of candidates that nobody has tried, in robust deviations between untrained ones."""

    def score(self, genotype: Genotype) -> float:
        """Return what the comparator says of the untrained encoder, over the mean of what was ranked; 0 without one."""
        ...

    def gain(self, genotype: Genotype) -> float:
        """Return what the comparator foresees training to add; 0 without one."""
        ...


class Source(Foresight, Protocol):
    """Where candidates come from."""

    def ranked(self, n: int) -> list[Genotype]:
        """Return the comparator's best n, given what was learned, best first; none without a comparator."""
        ...

    def learn(self, results: Sequence[Result]) -> None:
        """Take what untrained candidates score on the task: what is ranked from now on may follow from it."""
        ...

    def portfolio(self) -> list[Genotype]:
        """Return presets and what was good elsewhere, best first."""
        ...

    def random(self, n: int) -> list[Genotype]:
        """Return n new blind draws; fewer where there are no more."""
        ...

    def child(self, parent: Genotype) -> Genotype:
        """Return a mutant inside the space."""
        ...

    def allows(self, genotype: Genotype) -> bool:
        """Return whether the task and the user's limits allow a candidate; all that others return are."""
        ...

    def choices(self) -> PolicySpace:
        """Return what a policy chooses from."""
        ...


class Strategy(Protocol):
    """A way to spend trials."""

    def ask(self) -> list[Wish]:
        """Return what to run next, side by side; none when it is over."""
        ...

    def tell(self, results: Sequence[Result]) -> None:
        """Take what the wishes of the last `ask` became, in their order; failures have an empty curve."""
        ...


Factory = Callable[..., Strategy]
"""Called as `(source, plan, rng, **options)`."""
