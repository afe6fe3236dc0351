"""Progress of long work: a bar on a terminal, plain lines elsewhere, nothing where nobody can hear."""

import contextlib
import sys
import time
from typing import Self

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 30.0


class Progress:
    """Counts finished pieces of work; use it as a context manager.

    Args:
        total: Pieces of work.
        name: What is being done.
        quiet: Print nothing.
    """

    def __init__(self, *, total: int, name: str, quiet: bool = False) -> None:
        self._total, self._name = total, name
        self._silent = quiet or total == 0
        self._done = 0
        self._began = self._printed = time.monotonic()
        self._bar: tqdm[None] | None = None

    def __enter__(self) -> Self:
        if not self._silent and on_a_terminal():
            self._bar = tqdm(total=self._total, desc=self._name, file=sys.stderr, dynamic_ncols=True)
        return self

    def advance(self, what: str = "") -> None:
        """Count one piece as done and say which it was."""
        self._done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(what, refresh=False)
            self._bar.update()
            return
        now = time.monotonic()
        if self._silent or (now - self._printed < SECONDS_BETWEEN_LINES and self._done < self._total):
            return
        self._printed = now
        left = (now - self._began) / self._done * (self._total - self._done)
        line = f"{self._name}: {self._done}/{self._total}, about {left:.0f} s left; {what}"
        tell(line.rstrip("; "))

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def tell(line: str) -> None:
    """Print a line about work under way to stderr; where nobody can hear it, the work goes on all the same."""
    if sys.stderr is not None:  # as in a service, or under pythonw
        with contextlib.suppress(OSError, ValueError):  # the reader has left, or the stream was closed
            print(line, file=sys.stderr, flush=True)


def on_a_terminal() -> bool:
    """Whether somebody watches: a bar that moves is of use."""
    return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()
