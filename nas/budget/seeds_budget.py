"""How `tscnas seeds` keeps within its time: it begins no trial that would not end, and stores none that was stopped."""

import math
import time
from collections.abc import Iterable, Iterator

from nas.budget.deadline import Deadline
from nas.engines.job import Job, Result
from nas.errors import TimeBudgetError

_REPORT = 1.0  # seconds for the summary and for leaving
_UNKNOWN_TRIAL = 5.0  # seconds of a trial, before any was seen


class SeedsBudget:
    """Lets trials begin as long as there is time for them; without a budget always.

    Args:
        deadline: When the command has to be done.
    """

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.n_missing = 0
        self._seconds: list[float] = []
        self._begun_after = deadline.used

    @property
    def ends(self) -> float:
        """When trials are stopped."""
        return self.deadline.ends - _REPORT

    def timely(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """Yield jobs while there is time for one of mean length."""
        for job in jobs:
            mean = sum(self._seconds) / len(self._seconds) if self._seconds else 0.0
            if time.monotonic() + mean >= self.ends:
                return
            yield job

    def ended(self, result: Result) -> bool:
        """Note a result and return whether it is one: a trial that the budget stopped is none."""
        if result.status == "timeout" and result.value is None and time.monotonic() >= self.ends:
            return False
        self._seconds.append(result.seconds)
        return True

    def sentence(self, n_planned: int) -> str:
        """Return what the summary says about the budget; empty where nothing was cut.

        Args:
            n_planned: Trials that were to be run, as far as their waves were reached.

        Raises:
            TimeBudgetError: If trials were to be run and not one came to its end.
        """
        if not self.n_missing:
            return ""
        if not self._seconds:
            trained = max(self.deadline.used - self._begun_after, _UNKNOWN_TRIAL)
            least = math.ceil((self._begun_after + 2 * trained + _REPORT) / 10) * 10
            raise TimeBudgetError(
                f"time-budget: in {self.deadline.budget:g} s no trial came to its end; "
                f"the least that makes sense here is about {least} s"
            )
        return (
            f"; stopped by the time budget of {self.deadline.budget:g} s with {self.n_missing} of {n_planned} trials "
            "missing, and those of later waves; the same command runs them"
        )
