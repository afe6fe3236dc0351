"""The process engine: every job alone in a process, so that a job that dies takes nothing with it.

A worker does one job after the other, each as if it were its first, until one goes
wrong or leaves too much behind. Workers are forked from a server that has imported
torch already, which makes a start cheap. A child never imports the caller's `__main__`: a
script without the usual guard works, and functions must live in importable modules.
"""

import contextlib
import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from multiprocessing import forkserver
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from types import ModuleType
from typing import Any

from nas.engines._child import serve
from nas.engines._worker import Note, Worker
from nas.engines.job import Job, Result, nobody, stopped_after
from nas.engines.kept import idle_workers
from nas.engines.registry import Engine

PRELOAD = (
    "torch",
    "torch._dynamo",
    "torch.optim",
    "nas.trials.trial",
    "downstream.forecasting.scoring",
    "downstream.classification.scoring",
    "downstream.anomaly.scoring",
)
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # keeps the working directory off the server's path, where a folder could shadow one of our packages
    "PYTHONSAFEPATH": "1",
}


@dataclass(frozen=True)
class _Running:
    id: str
    worker: Worker
    start: float


def run(
    jobs: Iterator[Job],
    *,
    workers: int,
    time_limit: float | None = None,
    memory_limit: int | None = None,
    gpu_share: float = 0.0,
    ends: float = math.inf,
    on_note: Callable[[str, Any], None] = nobody,
) -> Generator[Result, None, None]:
    """Yield results as jobs end; `gpu_share` changes nothing here.

    A job is drawn from `jobs` only when a worker is free, and once more after each
    result, even where none was left before. Leaving the loop, by Ctrl-C too, kills
    what still runs.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    running: list[_Running] = []
    with idle_workers() as idle:
        try:
            while True:
                while len(running) < workers and (job := next(jobs, None)) is not None:
                    begun = _begin(context, job, idle, memory_limit=memory_limit)
                    if isinstance(begun, Result):
                        yield begun
                    else:
                        running.append(begun)
                if not running:
                    return
                for heard in _heard(running, time_limit=time_limit, ends=ends):
                    result = _result(heard, idle, time_limit=time_limit)
                    if isinstance(result, Note):
                        on_note(heard.id, result.value)
                    else:
                        running.remove(heard)
                        yield result
        finally:
            for left in running:
                left.worker.kill()


def _begin(context: ForkServerContext, job: Job, idle: list[Worker], *, memory_limit: int | None) -> _Running | Result:
    """Give a job to a worker; return its result if none could be started, as when somebody kills the server now."""
    start = time.monotonic()
    while idle:
        worker = idle.pop()
        if worker.take(job, memory_limit=memory_limit):
            return _Running(job.id, worker, start)
        worker.kill()  # it died while it had nothing to do
    try:
        worker = _new_worker(context)
    except (OSError, EOFError) as error:
        text = f"no process could be started ({type(error).__name__}: {error})"
        return Result(job.id, "crashed", None, text, time.monotonic() - start)
    worker.take(job, memory_limit=memory_limit)  # where nobody is there any more, the connection's end will tell
    return _Running(job.id, worker, start)


def _new_worker(context: ForkServerContext) -> Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    try:
        launch_server()
        with _quiet_main():
            process.start()
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()  # the child holds the only other end: its death ends the connection
    return Worker(process, ours)


def _heard(running: list[_Running], *, time_limit: float | None, ends: float) -> list[_Running]:
    """Wait until something happens; return those that sent something, died, or ran out of time."""
    longest = math.inf if time_limit is None else time_limit
    due = {at_work.id: min(at_work.start + longest, ends) for at_work in running}
    left = min(due.values()) - time.monotonic()
    ready = wait([at_work.worker.connection for at_work in running], None if left == math.inf else max(0.0, left))
    now = time.monotonic()
    return [at_work for at_work in running if at_work.worker.connection in ready or now >= due[at_work.id]]


def _result(at_work: _Running, idle: list[Worker], *, time_limit: float | None) -> Result | Note:
    """Return what the job notes, or how it ended; its worker then joins the idle ones, or is gone."""
    worker = at_work.worker
    if not worker.connection.poll():
        worker.kill()
        seconds = time.monotonic() - at_work.start
        return Result(at_work.id, "timeout", None, stopped_after(time_limit, seconds=seconds), seconds)
    result, fit = worker.result()
    if isinstance(result, Note):
        return result
    seconds = time.monotonic() - at_work.start
    if result is None:
        text = f"the process died without an answer ({worker.death()})"
        worker.kill()
        return Result(at_work.id, "crashed", None, text, seconds)
    if fit:
        idle.append(worker)
    else:
        worker.stop()
    return replace(result, seconds=seconds)


def launch_server() -> None:
    """Start the server unless it runs, deaf to Ctrl-C: the terminal sends that to all, the caller alone decides."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _environment(_ENVIRONMENT):
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _quiet_main() -> Iterator[None]:
    """Hide the caller's `__main__`, which multiprocessing would otherwise run again in every child."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the server, which keeps the environment that it starts with."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


ENGINE = Engine(run, prepare=launch_server)
