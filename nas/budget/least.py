"""The least time budget that makes sense: told from sizes alone, so that it is the same whatever budget was given.

What a small budget leaves time to measure depends on the budget, and so would an advice that follows from it.
"""

import math

from downstream.task import Task
from nas.budget.pilot import Timing
from nas.errors import TimeBudgetError

BEGINNING = 8.0
"""Seconds until the first trial begins: imports, data, comparator, and the ranking of 20,000 candidates."""


def expected(task: Task) -> Timing:
    """Return what a trial takes about where nothing was timed, rather more than less.

    Fitted by eye to seven datasets and five candidates each, on one thread of a server's CPU: probes took 0.05 to 18 s.
    """
    values = task.scaler.n_rows_seen * task.n_variates
    # probes of series see a part of them that stops growing, those of cases see all
    probe = 0.5 + min(1e-4 * values, 6.0) + (1.2e-5 * values if task.kind.whole_cases else 0.0)
    return Timing(build=0.3, probe=probe, iteration=0.1, memory=0, file=0, start=1.0)


def too_small(done: str, *, budget: float, seconds: float, where: str) -> TimeBudgetError:
    """Return the error for a budget in which nothing came about.

    Args:
        done: What did not come about, such as `nothing could be trained`.
        budget: Seconds that were given.
        seconds: What should be enough, from sizes alone.
        where: What that holds for.
    """
    least = _rounded(seconds)
    advice = f"the least that makes sense {where} is about {least} s"
    if budget >= least:
        advice = f"about {least} s {where} are enough as a rule, but not here and now; give several times as much"
    return TimeBudgetError(f"time-budget: in {budget:g} s {done}; {advice}")


def _rounded(seconds: float) -> int:
    """Return seconds rounded up to a figure that a person would choose."""
    step = 5 if seconds < 60 else 30 if seconds < 600 else 300
    return math.ceil(seconds / step) * step
