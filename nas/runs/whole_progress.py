"""One bar for all stages of a search: how far it is, how long all that is left takes, and the best so far."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from tqdm import tqdm

from nas.runs.progress import SECONDS_BETWEEN_LINES, on_a_terminal, tell

_FIRST_GUESS = 1.0  # seconds of a piece of which nothing is known yet
_STEPS_LIKE_A_PROBE = 10.0  # optimiser steps that take as long as probing, until steps are measured
_LIKE_PROBES = 3.0  # what a piece without steps in a later stage takes, in probes, until one is measured
_BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}"


@dataclass
class _Stage:
    pieces: int
    steps: int
    done: int = 0
    seconds: float = 0.0


class WholeProgress:
    """Counts pieces of work over all stages; use it as a context manager.

    Args:
        stages: Name -> (pieces planned, optimiser steps of each), in their order; the first has none.
        workers: Pieces that are worked on at a time.
        quiet: Print nothing.
        most_left: Returns the seconds that a time budget leaves.
    """

    def __init__(
        self,
        stages: Mapping[str, tuple[int, int]],
        *,
        workers: int,
        quiet: bool,
        most_left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._stages = {name: _Stage(pieces, steps) for name, (pieces, steps) in stages.items()}
        self._workers, self._quiet, self._most_left = max(workers, 1), quiet, most_left
        self._now = ""
        self._best: tuple[float, str] | None = None
        self._began = self._printed = time.monotonic()
        self._bar: tqdm[None] | None = None

    def __enter__(self) -> Self:
        if not self._quiet and on_a_terminal():
            self._bar = tqdm(total=1.0, desc="search", bar_format=_BAR, dynamic_ncols=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    @contextmanager
    def stage(self, name: str, pieces: int) -> Iterator[None]:
        """Work on a stage inside the block: at least so many pieces of it; the stages before it are over."""
        self._now = name
        stage = self._stages.setdefault(name, _Stage(0, 0))
        stage.pieces = max(stage.pieces, stage.done + pieces)
        self._show("")
        yield

    def advance(self, what: str, *, seconds: float) -> None:
        """Count a piece of the present stage as done, and what it took."""
        stage = self._stages[self._now]
        stage.done += 1
        stage.seconds += seconds
        self._show(what)

    def note(self, score: float | None, *, metric: str, higher_is_better: bool) -> None:
        """Remember a score where it is the best so far."""
        if score is None:
            return
        oriented = score if higher_is_better else -score
        if self._best is None or oriented > self._best[0]:
            self._best = (oriented, f"best {metric} {score:.4f}")

    @property
    def seconds_left(self) -> float:
        """Seconds that all stages still take, by what their pieces took so far."""
        names = list(self._stages)
        behind = names[names.index(self._now) :] if self._now in names else names
        work = sum(self._left(self._stages[name]) for name in behind)
        return min(work / self._workers, max(self._most_left(), 0.0))

    def _left(self, stage: _Stage) -> float:
        return max(stage.pieces - stage.done, 0) * self._each(stage)

    def _each(self, stage: _Stage) -> float:
        """Return the seconds of a piece of a stage: as measured there, or else as measured elsewhere."""
        if stage.done:
            return stage.seconds / stage.done
        first = next(iter(self._stages.values()))
        probe = first.seconds / first.done if first.done else _FIRST_GUESS
        if not stage.steps:
            return probe if stage is first else _LIKE_PROBES * probe
        trained = [other for other in self._stages.values() if other.steps and other.done]
        steps = sum(other.steps * other.done for other in trained)
        per_step = sum(other.seconds for other in trained) / steps if steps else probe / _STEPS_LIKE_A_PROBE
        return probe * (not steps) + per_step * stage.steps

    def _show(self, what: str) -> None:
        now, left = time.monotonic(), self.seconds_left
        elapsed = now - self._began
        stage = self._stages[self._now]
        said = [f"about {_clock(left)} left", f"{self._now} {stage.done}/{stage.pieces}"]
        if self._best is not None:
            said.append(self._best[1])
        if self._bar is not None:
            self._bar.n = elapsed / (elapsed + left) if elapsed + left else 0.0
            self._bar.set_postfix_str(", ".join(said), refresh=True)
        elif not self._quiet and now - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = now
            tell("; ".join([f"search: {', '.join(said)}", *([what] if what else [])]))


def _clock(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 6000
        else f"{seconds / 3600:.1f} h"
    )
