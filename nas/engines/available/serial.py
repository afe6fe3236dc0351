"""The serial engine: one job after the other in this process; for debugging and for small machines."""

import math
import threading
import time
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any

from nas.engines.confinement import TimeLimitExceeded, time_limited
from nas.engines.job import Job, Result, call, nobody, stopped_after
from nas.engines.registry import Engine


def run(
    jobs: Iterable[Job],
    *,
    workers: int = 1,
    time_limit: float | None = None,
    memory_limit: int | None = None,
    gpu_share: float = 0.0,
    ends: float = math.inf,
    on_note: Callable[[str, Any], None] = nobody,
) -> Generator[Result, None, None]:
    """Yield the result of each job, in the order of the jobs; `workers` and `gpu_share` change nothing here.

    Outside the main thread no signal arrives: there a job comes to its own end, whatever the limit and `ends`.
    """
    heeds_limits = threading.current_thread() is threading.main_thread()
    for job in jobs:
        start = time.monotonic()
        try:
            with time_limited(_limit(time_limit, ends=ends) if heeds_limits else None):
                result = call(job, memory_limit=memory_limit, on_note=partial(on_note, job.id))
        except TimeLimitExceeded:
            seconds = time.monotonic() - start
            result = Result(job.id, "timeout", None, stopped_after(time_limit, seconds=seconds), seconds)
        yield result


def _limit(time_limit: float | None, *, ends: float) -> float | None:
    """Return the seconds that a job has which begins now, None where there is no limit."""
    left = min(math.inf if time_limit is None else time_limit, ends - time.monotonic())
    return None if left == math.inf else max(left, 1e-3)


ENGINE = Engine(run, one_at_a_time=True)
