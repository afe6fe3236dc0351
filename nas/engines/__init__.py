"""How calls are spread over processes: `run_jobs` and its engines, `process` (default) and `serial`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from nas.engines import process, serial
from nas.engines._job import STATUSES, Job, Result

ENGINES: dict[str, Callable[..., Iterator[Result]]] = {"process": process.run, "serial": serial.run}

__all__ = ["ENGINES", "STATUSES", "Job", "Result", "run_jobs"]


def run_jobs(
    jobs: Iterable[Job],
    *,
    engine: str = "process",
    workers: int,
    time_limit: float | None = None,
    memory_limit: int | None = None,
) -> Iterator[Result]:
    """Run jobs and yield their results as they end.

    A failed job is a result too: nothing a job does, dying included, stops the
    others. Ctrl-C stops what runs and raises `KeyboardInterrupt` here.

    Args:
        jobs: Drawn one by one, when a worker is free.
        engine: A key of `ENGINES`.
        workers: Jobs at a time, >= 1; each uses one thread.
        time_limit: Seconds of wall time per job, > 0; None for no limit.
        memory_limit: Bytes that a job may map beyond the loaded libraries, > 0;
            None for no limit, and for work on a GPU.

    Raises:
        ValueError: If an argument is out of range, or a job's function lives
            in `__main__`.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {sorted(ENGINES)}, got {engine!r}")
    if workers < 1:
        raise ValueError(f"workers must be >= 1, got {workers}")
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit must be > 0 seconds or None, got {time_limit}")
    if memory_limit is not None and not memory_limit > 0:
        raise ValueError(f"memory_limit must be > 0 bytes or None, got {memory_limit}")
    return ENGINES[engine](jobs, workers=workers, time_limit=time_limit, memory_limit=memory_limit)
