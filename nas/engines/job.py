"""What an engine is given and what it gives back."""

import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ahc.record import STATUSES
from compute.determinism import deterministic
from compute.memory import memory_budget
from compute.user_error import UserError
from nas.engines.confinement import memory_limited

_MEMORY_PHRASES = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc")


@dataclass(frozen=True)
class Job:
    """One call to make.

    Args:
        id: Names the job in its result; unique among the jobs of one run.
        function: A top-level function of an importable module.
        kwargs: Its keyword arguments.
        shared: Further keyword arguments, large objects that many jobs have in common: an engine may send them once.
        memory_budget: Bytes that it may take for intermediate results (`compute.memory`); None for no budget.
        deterministic: Whether it may only do what gives the same bits each time (`compute.determinism`).
    """

    id: str
    function: Callable[..., Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)
    memory_budget: int | None = None
    deterministic: bool = False

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


def nobody(*_: Any) -> None:
    """Hear a note and do nothing."""


_listener: ContextVar[Callable[[Any], None]] = ContextVar("listener", default=nobody)


def note(value: Any) -> None:
    """Tell whoever runs the present job something, while it goes on; nobody need listen.

    Args:
        value: Small, and able to travel between processes.
    """
    _listener.get()(value)


def stopped_after(time_limit: float | None, *, seconds: float) -> str:
    """Return the line about a job that was stopped: by its own limit, or because everything was to end."""
    if time_limit is not None and seconds >= time_limit:
        return f"stopped after {time_limit:g} s (time limit)"
    return f"stopped after {seconds:.1f} s (time budget)"


def call(job: Job, *, memory_limit: int | None, on_note: Callable[[Any], None] = nobody) -> Result:
    """Make the call of a job, in whichever process this is; whatever it raises is its result."""
    began = time.monotonic()
    before = _listener.set(on_note)
    try:
        same_bits = deterministic(job.deterministic)
        with same_bits, memory_budget(job.memory_budget), memory_limited(memory_limit):
            value = job.function(**job.arguments)
    except Exception as problem:
        return failure(job.id, problem, seconds=time.monotonic() - began)
    finally:
        _listener.reset(before)
    own = getattr(value, "status", None)
    return Result(job.id, own if own in STATUSES else "completed", value, "", time.monotonic() - began)


def failure(job_id: str, error: Exception, *, seconds: float) -> Result:
    """Return the result of a job that raised an exception."""
    last_line = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    details = "".join(traceback.format_exception(error))
    return Result(job_id, _status_of(error), None, last_line, seconds, details)


def _status_of(error: Exception) -> str:
    if isinstance(error, UserError):
        return error.trial_status
    if isinstance(error, FloatingPointError):
        return "diverged"
    # torch reports a failed allocation as a RuntimeError, on a CPU without a class of its own
    phrases = isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _MEMORY_PHRASES)
    return "out_of_memory" if isinstance(error, MemoryError) or phrases else "crashed"
