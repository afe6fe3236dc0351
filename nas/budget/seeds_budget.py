"""How `tscnas seeds` keeps within its time: it begins no trial that would not end, and stores none that was stopped."""

import time
from collections.abc import Iterable, Iterator

from nas.budget.deadline import Deadline
from nas.budget.least import BEGINNING, too_small
from nas.engines.job import Job, Result

_REPORT = 1.0  # seconds for the summary and for leaving


class SeedsBudget:
    """Lets trials begin as long as there is time for them; without a budget always.

    Args:
        deadline: When the command has to be done.

    Attributes:
        n_missing: Trials that there was no time for.
        longest: Seconds that the longest trial is expected to take.
    """

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.n_missing = 0
        self._seconds: list[float] = []
        self.longest = 0.0

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
            raise too_small(
                "no trial came to its end",
                budget=self.deadline.budget,
                seconds=BEGINNING + 2 * self.longest + _REPORT,
                where="for these tasks",
            )
        return (
            f"; stopped by the time budget of {self.deadline.budget:g} s with {self.n_missing} of {n_planned} trials "
            "missing, and those of later waves; the same command runs them"
        )
