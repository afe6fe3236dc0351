"""How benchmarks time pieces of work."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Timing(NamedTuple):
    """Wall seconds of repeated runs."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        """Summarise the runs."""
        return cls(statistics.median(seconds), min(seconds), max(seconds))

    def __str__(self) -> str:
        return f"{self.median:.4g} s ({self.least:.4g} to {self.most:.4g})"


def timed(work: Callable[[], Any], *, repeats: int) -> tuple[Timing, Any]:
    """Return the seconds of a piece of work, and what it gave last; repeats >= 1."""
    seconds, given = [], None
    for _ in range(repeats):
        start = time.perf_counter()
        given = work()
        seconds.append(time.perf_counter() - start)
    return Timing.of(seconds), given


def in_turn(works: Sequence[Callable[[], object]], *, repeats: int) -> list[Timing]:
    """Time pieces of work one after the other, again and again, so that a busy machine meets all alike.

    Args:
        works: Each is run once before the clock starts.
        repeats: Rounds, at least 1.
    """
    for work in works:
        work()
    rounds = [[timed(work, repeats=1)[0].median for work in works] for _ in range(repeats)]
    return [Timing.of(seconds) for seconds in zip(*rounds, strict=True)]
