"""How a search keeps within its time: what it trains, when each round ends, and what stays for the verification."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from downstream.task import Task
from nas.budget.deadline import Deadline
from nas.budget.least import BEGINNING, expected, too_small
from nas.budget.pilot import Measured, Timing, makespan, measure
from nas.choosing.candidates import Candidates
from nas.engines.settings import EngineSettings
from nas.errors import TimeBudgetError
from nas.report.rows import Row
from nas.trials.halving import Halving
from nas.trials.trial import TrialPlan

REPORT = 1.5  # seconds for the answer, its files, and leaving
TIMING_SHARE, REHEARSAL_SHARE = 0.5, 0.2  # of the time that is left, at most, goes to timing and to the rehearsal
VERIFICATION_SHARE = 0.5  # of the time that is left, at most, is kept for the verification
_SPARE = 1.3  # of a measured time that is kept for it


class SearchBudget:
    """Shares the time of a search out; without a budget nothing is ever cut.

    Args:
        deadline: When the search has to be done.
        task: The task.
        halving: The rounds of trials.
        settings: Where and how trials run.
        n_entrants: How many encoders are scored on test.
    """

    def __init__(
        self, deadline: Deadline, *, task: Task, halving: Halving, settings: EngineSettings, n_entrants: int
    ) -> None:
        self.deadline = deadline
        self.cut: list[str] = []
        self._task, self._halving, self._settings, self._n_entrants = task, halving, settings, n_entrants
        self._measured = Measured()
        self._reserve = 0.0

    @property
    def limited(self) -> bool:
        """Whether there is a budget at all."""
        return self.deadline.budget < math.inf

    @property
    def untrained_ends(self) -> float:
        """When the untrained encoder of the chosen candidate has to be probed, after all training."""
        return self.training_ends + 2 * self._least_trial()

    @property
    def verification_ends(self) -> float:
        """When the verification has to be over."""
        return self.deadline.ends - REPORT

    @property
    def training_ends(self) -> float:
        """When the last round has to be over."""
        return self.deadline.ends - REPORT - self._reserve - 2 * self._least_trial()

    def check(self) -> None:
        """Look at the clock before anything long begins.

        Raises:
            TimeBudgetError: If there is no time left in which anything could be trained.
        """
        if self.deadline.left < REPORT:
            raise self.too_small()

    def fitted(self, candidates: Candidates) -> Candidates:
        """Measure what trials and verification take, and return as many of the candidates as there is time for.

        Raises:
            TimeBudgetError: If nothing could be trained in the time that is left.
        """
        if not self.limited:
            return candidates
        self.check()
        named = (*self._halving.extra, candidates.picked[0])
        self._measured = measure(
            self._task,
            list({genotype.key: genotype for genotype in named}.values()),
            settings=self._settings,
            share=REHEARSAL_SHARE / TIMING_SHARE,
            ends=time.monotonic() + TIMING_SHARE * self.deadline.left,
        )
        if not self._measured.timings or self.deadline.left < self._needed():
            raise self.too_small()
        # the time of the verification, as measured; where that is more than its share, the share
        most = VERIFICATION_SHARE * max(self.deadline.left - REPORT, 0.0)
        self._reserve = min(self._wanted(), most)
        for k in range(len(candidates.picked), 0, -1):
            fewer = replace(candidates, picked=candidates.picked[:k], random=candidates.random[:k])
            if k == 1 or time.monotonic() + self._seconds(*self._halving.planned(fewer.groups)) <= self.training_ends:
                break
        n_all, n_kept = (len(some.picked) + len(some.random) for some in (candidates, fewer))
        if n_kept < n_all:
            self.cut.append(f"{n_all - n_kept} of {n_all} candidates not trained")
        return fewer

    def round_ends(self, plans: Sequence[TrialPlan], later: Sequence[TrialPlan]) -> float:
        """Return when a round has to be over that leaves `later` its share of the time."""
        if not self.limited:
            return math.inf
        now, wanted = time.monotonic(), self._seconds(plans)
        return now + (self.training_ends - now) * wanted / max(wanted + self._seconds(later), 1e-9)

    def trial_limit(self, ends: float, *, n_left: int) -> float:
        """Return the seconds of training that the next of `n_left` trials of a round may take; 0 if it is too late.

        A trial gets twice its equal share at most, so that no slow one takes the time of all; a last probe follows.
        """
        if not self.limited:
            return math.inf
        typical, left = self._measured.typical, ends - time.monotonic()
        share = 2 * left / math.ceil(n_left / self._settings.workers)
        limit = min(share, left) - typical.start - typical.probe
        return limit if limit >= typical.build + typical.probe else 0.0

    def hard_end(self, ends: float) -> float:
        """Return when the workers of a round are stopped that should have ended by themselves."""
        if not self.limited:
            return math.inf
        late = ends + max(0.05 * self.deadline.budget, 2 * self._measured.typical.probe)
        return min(late, max(ends, self.verification_ends - 0.5 * self._reserve))

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
        return too_small(
            "nothing could be trained",
            budget=self.deadline.budget,
            seconds=BEGINNING + _SPARE * _with_verification(3 * _least_trial(expected(self._task))),
            where=f"for {self._task.spec.name}",
        )

    def _wanted(self) -> float:
        """Return the seconds that the verification should have, infinite where that is not known."""
        n_entrants = self._n_entrants if self._task.has_test else 0
        seconds = self._measured.verified(n_entrants, workers=self._settings.workers)
        return math.inf if seconds is None else _SPARE * seconds

    def _needed(self) -> float:
        """Return the seconds in which the least can be trained, one untrained encoder probed, and both verified."""
        return _with_verification(3 * self._least_trial(), verification=self._wanted())

    def _least_trial(self) -> float:
        return _least_trial(self._measured.typical if self._measured.timings else expected(self._task))

    def _seconds(self, *rounds: Sequence[TrialPlan]) -> float:
        """Return the seconds that rounds of trials take on all workers together."""
        typical, workers = self._measured.typical, self._settings.workers
        return sum(makespan([typical.trial(plan.iterations) for plan in plans], workers=workers) for plans in rounds)


def _least_trial(timing: Timing) -> float:
    """Return the seconds of a trial that is probed before and after a single iteration."""
    return timing.start + timing.build + 2 * timing.probe


def _with_verification(training: float, *, verification: float = math.inf) -> float:
    """Return the seconds of training, the verification as far as its share goes, and the report."""
    return REPORT + training + min(verification, VERIFICATION_SHARE / (1 - VERIFICATION_SHARE) * training)
