"""How a search keeps within its time: when each round ends, and what stays for the verification."""

import math
import time
from collections.abc import Iterable, Sequence

from downstream.task import Task
from nas.budget.deadline import Deadline
from nas.budget.least import BEGINNING, expected, too_small
from nas.errors import TimeBudgetError
from nas.report.rows import Row

REPORT = 1.5  # seconds for the answer, its files, and leaving
PAGE = 6.0  # seconds for a page with figures, which is left out where they are not there
VERIFICATION_SHARE = 0.35  # of the budget is kept for the verification, which takes .25 to .45 of what trials take
ROUND_SHARE = 0.5
"""Of the time that is left for trials, a round may take so much: later rounds train fewer candidates for longer."""
_LEAST_TRIAL = 0.05


class SearchBudget:
    """Shares the time of a search out; without a budget nothing is ever cut.

    Nothing is timed beforehand: a round that runs out of time leaves the rest of its trials out, those that its
    strategy wants least.

    Args:
        deadline: When the search has to be done.
        task: The task.
        n_workers: Trials that run at a time.
    """

    def __init__(self, deadline: Deadline, *, task: Task, n_workers: int) -> None:
        self.deadline = deadline
        self.cut: list[str] = []
        self._task, self._n_workers = task, n_workers

    @property
    def limited(self) -> bool:
        """Whether there is a budget at all."""
        return self.deadline.budget < math.inf

    @property
    def verification_ends(self) -> float:
        """When the verification has to be over."""
        return self.deadline.ends - REPORT

    @property
    def trials_end(self) -> float:
        """When the last round has to be over."""
        return self.deadline.ends - REPORT - VERIFICATION_SHARE * self.deadline.budget

    def check(self) -> None:
        """Look at the clock before anything long begins.

        Raises:
            TimeBudgetError: If there is no time left in which anything could be trained.
        """
        if self.deadline.left < REPORT:
            raise self.too_small()

    def round_ends(self, *, last: bool) -> float:
        """Return when a round that begins now has to be over; the last one may take all the time that is left."""
        if not self.limited:
            return math.inf
        now = time.monotonic()
        return now + max(self.trials_end - now, 0.0) * (1.0 if last else ROUND_SHARE)

    def trial_limit(self, ends: float, *, n_left: int) -> float:
        """Return the seconds that the next of `n_left` trials of a round may take; 0 if it is too late.

        A trial gets twice its equal share at most, so that no slow one takes the time of all.
        """
        if not self.limited:
            return math.inf
        left = ends - time.monotonic()
        limit = min(2 * left / math.ceil(n_left / self._n_workers), left)
        return limit if limit >= _LEAST_TRIAL else 0.0

    def hard_end(self, ends: float) -> float:
        """Return when the workers of a round are stopped that should have ended by themselves."""
        if not self.limited:
            return math.inf
        return min(ends + 0.05 * self.deadline.budget, self.deadline.ends - REPORT)

    def note_round(self, name: str, *, n_trials: int, n_stopped: int, n_left_out: int) -> None:
        """Write down what a round was cut by: trials stopped before their last iteration, and trials not begun."""
        parts = [f"{n_stopped} of {n_trials} trials stopped early"] * bool(n_stopped)
        parts += [f"{n_left_out} of {n_trials} trials not begun"] * bool(n_left_out)
        if parts:
            self.cut.append(f"{name}: {', '.join(parts)}")

    def note_verification(self, rows: Sequence[Row], entrants: Iterable[str], *, predicts: bool = True) -> None:
        """Write down what has no score on test for want of time, and whether nothing `predicts`."""
        if not self.limited:
            return
        if not predicts:
            self.cut.append("no predictor")
        if not self._task.has_test:
            return
        if "part" in rows[0].scores.settings:
            self.cut.append("no scores on test")
            return
        missing = [name for name in entrants if name not in {row.name for row in rows}]
        missing += ["baselines"] * (not any(row.baseline for row in rows))
        if missing:
            self.cut.append(f"no scores on test of: {', '.join(missing)}")

    def allows_page(self) -> bool:
        """Return whether there is time for a page with figures; write down where there is none."""
        if self.deadline.left >= REPORT + PAGE:
            return True
        self.cut.append("no page with figures")
        return False

    def sentences(self) -> list[str]:
        """Return the lines of the answer about the budget."""
        if not self.limited:
            return []
        if not self.cut:
            return [f"Time budget {self.deadline.budget:g} s: nothing was cut."]
        return [
            f"Time budget {self.deadline.budget:g} s: {'; '.join(self.cut)}.",
            "The same command with a larger --time-budget goes on from here.",
        ]

    def too_small(self) -> TimeBudgetError:
        """Return the error for a budget in which nothing could be trained."""
        timing = expected(self._task)
        trials = 3 * (timing.start + timing.build + 2 * timing.probe)
        return too_small(
            "nothing could be trained",
            budget=self.deadline.budget,
            seconds=BEGINNING + REPORT + trials / (1.0 - VERIFICATION_SHARE),
            where=f"for {self._task.spec.name}",
        )
