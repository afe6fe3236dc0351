"""When a command has to be done: a time budget counted from the moment the command began."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

_BEGAN: ContextVar[float | None] = ContextVar("command began", default=None)


@contextlib.contextmanager
def command_begins() -> Iterator[None]:
    """Let the budgets inside the block count from here: the imports of a verb take seconds too."""
    token = _BEGAN.set(time.monotonic())
    try:
        yield
    finally:
        _BEGAN.reset(token)


@dataclass(frozen=True)
class Deadline:
    """A moment, as `time.monotonic()` tells it.

    Args:
        budget: Seconds from `began`; infinite where there is no hurry.
        began: When the command began.
    """

    budget: float
    began: float

    @staticmethod
    def of(budget: float | None) -> Deadline:
        """Return the deadline of a budget in seconds, None for no hurry, that counts from the begin of the command."""
        began = _BEGAN.get()
        return Deadline(math.inf if budget is None else budget, time.monotonic() if began is None else began)

    @property
    def ends(self) -> float:
        """The moment itself."""
        return self.began + self.budget

    @property
    def used(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    @property
    def left(self) -> float:
        """Seconds until then, negative afterwards."""
        return self.ends - time.monotonic()
