"""What an engine is given and what it gives back."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ahc.record import STATUSES
from compute.user_error import UserError

_MEMORY_PHRASES = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc")


@dataclass(frozen=True)
class Job:
    """One call to make.

    Args:
        id: Names the job in its result; unique among the jobs of one run.
        function: A top-level function of an importable module.
        kwargs: Its keyword arguments.
        shared: Further keyword arguments, large objects that many jobs have in common: an engine may send them once.
    """

    id: str
    function: Callable[..., Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, Any]:
        """All keyword arguments of the call."""
        return {**self.shared, **self.kwargs}


@dataclass(frozen=True)
class Result:
    """How one job ended.

    Args:
        id: The job's id.
        status: One of `STATUSES`; a value that has a `status` of its own, as a trial's, gives it to the result.
        value: What the function returned; None where it did not return.
        error: One line that says what went wrong; empty when nothing did.
        seconds: Wall time of the last attempt.
        details: The full traceback, where there was one.
        attempts: How often the job was started.
    """

    id: str
    status: str
    value: Any
    error: str
    seconds: float
    details: str = ""
    attempts: int = 1


def status_of(value: Any) -> str:
    """Return the status of a call that returned: the value's own where it has one of `STATUSES`."""
    status = getattr(value, "status", None)
    return status if status in STATUSES else "completed"


def stopped_after(time_limit: float | None, *, seconds: float) -> str:
    """Return the line about a job that was stopped: by its own limit, or because everything was to end."""
    if time_limit is not None and seconds >= time_limit:
        return f"stopped after {time_limit:g} s (time limit)"
    return f"stopped after {seconds:.1f} s (time budget)"


def outcome_of(error: Exception) -> tuple[str, str, str]:
    """Return status, one line, and full traceback of an exception that a job raised."""
    last_line = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return _status_of_error(error), last_line, "".join(traceback.format_exception(error))


def _status_of_error(error: Exception) -> str:
    if isinstance(error, UserError):
        return error.trial_status
    if isinstance(error, FloatingPointError):
        return "diverged"
    # torch reports a failed allocation as a RuntimeError, on a CPU without a class of its own
    phrases = isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _MEMORY_PHRASES)
    return "out_of_memory" if isinstance(error, MemoryError) or phrases else "crashed"
