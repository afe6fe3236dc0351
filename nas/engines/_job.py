"""What an engine is given and what it gives back."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

STATUSES = ("ok", "timeout", "out_of_memory", "crashed")
_MEMORY_PHRASES = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc")


@dataclass(frozen=True)
class Job:
    """One call to make.

    Args:
        id: Names the job in its result; unique among the jobs of one run.
        function: A top-level function of an importable module.
        kwargs: Its keyword arguments.
    """

    id: str
    function: Callable[..., Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """How one job ended.

    Args:
        id: The job's id.
        status: One of `STATUSES`.
        value: What the function returned; None unless the status is "ok".
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


def outcome_of(error: Exception) -> tuple[str, str, str]:
    """Return status, one line, and full traceback of an exception that a job raised."""
    status = "out_of_memory" if _is_memory_error(error) else "crashed"
    last_line = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return status, last_line, "".join(traceback.format_exception(error))


def _is_memory_error(error: Exception) -> bool:
    # torch reports a failed allocation as a RuntimeError, on a GPU as its own subclass
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _MEMORY_PHRASES)
