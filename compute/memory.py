"""How much memory a process may take for intermediate results, and how much of what is held at a time for it.

What is held at a time changes no result, beyond the rounding of sums that are taken in other parts. So
the budget is a setting of the process and no argument: a training step, a probe and a ranking lie deep below the
command, and nothing between has any use for it.
Workers are told as their jobs are (`nas.engines.run`), for a process forked earlier inherits nothing.
"""

import contextlib
import math
from collections.abc import Iterator
from contextvars import ContextVar
from fractions import Fraction
from types import MappingProxyType

from compute.user_error import BUDGET, UserError

LEAST_BUDGET = 64_000_000
"""Bytes; below it what libraries need for themselves is more than any part of ours."""

SHARES = MappingProxyType(
    {
        "window": Fraction(1, 8),
        "row": Fraction(1, 16),
        "kept row": Fraction(1, 16),
        "sum": Fraction(1, 4),
        "similarity": Fraction(1, 16),
        "kept similarity": Fraction(1, 4),
        "feature": Fraction(1, 16),
        "candidate": Fraction(1, 4),
    }
)
"""What part of the budget each kind of thing may take. Windows are encoded while rows, and two sets of kept ones,
wait; much is not given out, as the allocator and products of large matrices take as much again."""

_budget: ContextVar[int | None] = ContextVar("memory_budget", default=None)


class MemoryBudgetError(UserError, RuntimeError):
    """Not even one thing of a kind fits into the memory budget; the message names the least that would do."""

    exit_status = BUDGET
    trial_status = "out_of_memory"


@contextlib.contextmanager
def memory_budget(n_bytes: int | None) -> Iterator[None]:
    """Keep intermediate results of this process within a budget inside the block; None is no budget.

    Args:
        n_bytes: What they may take, beside the libraries, the data and the results.

    Raises:
        MemoryBudgetError: If it is less than `LEAST_BUDGET`.
    """
    if n_bytes is not None and n_bytes < LEAST_BUDGET:
        raise MemoryBudgetError(_too_small(n_bytes, what="anything", least=LEAST_BUDGET))
    before = _budget.set(n_bytes)
    try:
        yield
    finally:
        _budget.reset(before)


def at_a_time(most: int, what: str, *, bytes_each: float) -> int:
    """Return how many things to hold at a time: `most` without a budget, fewer where its share asks for that.

    Args:
        most: How many are best where memory is plenty, at least 1.
        what: Their kind, one of `SHARES`.
        bytes_each: Memory of one of them with everything made from it.

    Raises:
        MemoryBudgetError: If the share has no room for one.
    """
    budget = _budget.get()
    if budget is None:
        return most
    fitting = int(budget * SHARES[what] / max(1, math.ceil(bytes_each)))
    if fitting < 1:
        raise MemoryBudgetError(_too_small(budget, what=f"one {what}", least=math.ceil(bytes_each / SHARES[what])))
    return min(most, fitting)


def is_limited() -> bool:
    """Return whether there is a budget: where there is none, nobody needs to know what a thing takes."""
    return _budget.get() is not None


def _too_small(budget: int, *, what: str, least: int) -> str:
    return (
        f"memory-budget: {budget / 1e6:.0f} MB is too small for {what} to be worked on; "
        f"the least that would do is about {math.ceil(least / 1e6)} MB"
    )
