"""Running candidates on an engine: what all engines have in common."""

import collections
import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from compute.machine import usable_cores
from nas.engines import registry
from nas.engines.interruption import Interruption, first_interrupt_noted
from nas.engines.job import Job, Result, nobody

ATTEMPTS = 2


def run_candidates(
    jobs: Iterable[Job],
    *,
    engine: str = "process",
    workers: int | None = None,
    time_limit: float | None = None,
    memory_limit: int | None = None,
    memory_budget: int | None = None,
    gpu_share: float = 0.0,
    deterministic: bool = False,
    ends: float = math.inf,
    finish: bool = True,
    on_note: Callable[[str, Any], None] = nobody,
) -> Iterator[Result]:
    """Run jobs and yield their results as they come.

    A failed job is a result too: nothing a job does, dying included, stops the
    others. One that `crashed` is started once more, whatever the engine; no other
    status is, because it would come out the same.

    Args:
        jobs: Drawn one by one, when a worker is free, so that a generator may react to earlier results.
        engine: A name in `registry.ENGINE_NAMES`.
        workers: Jobs at a time, >= 1; each uses one thread. By default the cores available here.
        time_limit: Seconds of wall time per job, > 0; None for no limit.
        memory_limit: Bytes that a job may map beyond the loaded libraries, > 0; None for no limit, and for work on a
            GPU.
        memory_budget: Bytes that a job may take for intermediate results (`compute.memory`); None for no budget.
        gpu_share: Share of a GPU that a job takes, in 0..1; only `ray` shares GPUs out.
        deterministic: Whether a job may only do what gives the same bits each time (`compute.determinism`).
        ends: When all is over, as `time.monotonic()` tells it: no job begins after it, and what still runs is stopped
            as a `timeout`.
        finish: At Ctrl-C finish what runs and yield it before `KeyboardInterrupt` is raised here; a second Ctrl-C
            raises at once, as the first does without `finish`. What still runs is then killed.
        on_note: Called with the id of a job that runs and each value that it passes to `job.note`; not by `ray`.

    Raises:
        ValueError: If an argument is out of range, or a job's function lives in `__main__`.
        OptionError: If the engine is not installed.
    """
    facts = registry.engine(engine)
    workers = usable_cores() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers must be >= 1, got {workers}")
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit must be > 0 seconds or None, got {time_limit}")
    if memory_limit is not None and not memory_limit > 0:
        raise ValueError(f"memory_limit must be > 0 bytes or None, got {memory_limit}")
    if not 0.0 <= gpu_share <= 1.0:
        raise ValueError(f"gpu_share must be in 0..1, got {gpu_share}")
    limits = {"time_limit": time_limit, "memory_limit": memory_limit, "gpu_share": gpu_share, "ends": ends}
    how: dict[str, Any] = {"workers": workers, "on_note": on_note, **limits}
    own = {"memory_budget": memory_budget, "deterministic": deterministic}
    return _results(jobs, facts.run, finish=finish, own=own, **how)


def _results(
    jobs: Iterable[Job],
    run: Callable[..., Generator[Result, None, None]],
    *,
    finish: bool,
    own: Mapping[str, Any],
    **settings: Any,
) -> Iterator[Result]:
    with first_interrupt_noted() if finish else contextlib.nullcontext(Interruption()) as interruption:
        source = _Source(jobs, interruption, own=own, ends=settings["ends"])
        with contextlib.closing(run(source, **settings)) as results:
            for result in results:
                final = source.settled(result)
                if final is not None:
                    yield final
        if interruption.requested:
            raise KeyboardInterrupt


class _Source:
    """What an engine is to start next: crashed jobs once more, then new ones; nothing when all is to end.

    Every job gets the fields `own` of the round.
    """

    def __init__(self, jobs: Iterable[Job], interruption: Interruption, *, own: Mapping[str, Any], ends: float) -> None:
        self._jobs, self._interruption, self._ends = iter(jobs), interruption, ends
        self._own = own
        self._again: collections.deque[Job] = collections.deque()
        self._running: dict[str, Job] = {}
        self._attempts: dict[str, int] = {}

    def __iter__(self) -> Iterator[Job]:
        return self

    def __next__(self) -> Job:
        """Return the next job; after a `StopIteration` a crash may still bring one."""
        if self._interruption.requested or time.monotonic() >= self._ends:
            raise StopIteration
        job = self._again.popleft() if self._again else next(self._jobs)
        if getattr(job.function, "__module__", None) == "__main__":
            raise ValueError(
                f"Job({job.id!r}).function: must live in an importable module, got {job.function!r} of __main__"
            )
        self._running[job.id] = job
        self._attempts[job.id] = self._attempts.get(job.id, 0) + 1
        return replace(job, **self._own)

    def settled(self, result: Result) -> Result | None:
        """Return the result with its attempts, or None where the job is to be started again."""
        job = self._running.pop(result.id)
        attempts = self._attempts[job.id]
        if result.status == "crashed" and attempts < ATTEMPTS:
            self._again.append(job)  # after an interruption it has no result: the same command will run it
            return None
        del self._attempts[job.id]
        return replace(result, attempts=attempts)
