"""The serial engine: one job after the other in this process; for debugging and for small machines."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable

from nas.engines._job import Job, Result, outcome_of, status_of
from nas.engines.limits import TimeLimitExceeded, memory_limited, time_limited


def run(
    jobs: Iterable[Job],
    *,
    workers: int = 1,
    time_limit: float | None = None,
    memory_limit: int | None = None,
    gpu_share: float = 0.0,
) -> Generator[Result, None, None]:
    """Yield the result of each job, in the order of the jobs; `workers` and `gpu_share` change nothing here.

    Raises:
        ValueError: If a time limit is asked for outside the main thread, where no signal arrives.
    """
    if time_limit is not None and threading.current_thread() is not threading.main_thread():
        raise ValueError("time_limit: the serial engine can hold it in the main thread only; use engine='process'")
    for job in jobs:
        start = time.monotonic()
        value, error, details = None, "", ""
        try:
            with time_limited(time_limit), memory_limited(memory_limit):
                value = job.function(**job.arguments)
            status = status_of(value)
        except TimeLimitExceeded:
            status, error = "timeout", f"stopped after {time_limit:g} s (time limit)"
        except Exception as problem:  # whatever a candidate raises is its result
            status, error, details = outcome_of(problem)
        yield Result(job.id, status, value, error, time.monotonic() - start, details)
