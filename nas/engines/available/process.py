"""The process engine: every job in a process of its own, so that a job that dies takes nothing with it.

The processes are forked from a server that has imported torch already, which
makes a start cheap. A child never imports the caller's `__main__`: a script
without the usual guard works, and functions must live in importable modules.
"""

import contextlib
import math
import multiprocessing
import os
import pickle  # between our own processes only; nothing of it reaches a disk
import signal
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType

from nas.engines._child import serve
from nas.engines.job import Job, Result, stopped_after
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
_GRACE = 5.0  # seconds to leave after an answer
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
    process: ForkServerProcess
    connection: Connection
    start: float


def run(
    jobs: Iterator[Job],
    *,
    workers: int,
    time_limit: float | None = None,
    memory_limit: int | None = None,
    gpu_share: float = 0.0,
    ends: float = math.inf,
) -> Generator[Result, None, None]:
    """Yield results as jobs end; `gpu_share` changes nothing here.

    A job is drawn from `jobs` only when a worker is free, and once more after each
    result, even where none was left before. Leaving the loop, by Ctrl-C too, kills
    what still runs.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    running: list[_Running] = []
    try:
        while True:
            while len(running) < workers and (job := next(jobs, None)) is not None:
                begun = _start(context, job, memory_limit=memory_limit)
                if isinstance(begun, Result):
                    yield begun
                else:
                    running.append(begun)
            if not running:
                return
            for ended in _finished(running, time_limit=time_limit, ends=ends):
                running.remove(ended)
                yield _result(ended, time_limit=time_limit)
    finally:
        for left in running:
            _stop(left)


def _start(context: ForkServerContext, job: Job, *, memory_limit: int | None) -> _Running | Result:
    """Start a job; return its result if that was not possible, as when somebody kills the server this moment."""
    # plain pickle copies tensors; multiprocessing's own would tie them to this process's life
    payload = pickle.dumps(job)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=serve, args=(sender, payload, job.id, memory_limit), daemon=True)
    start = time.monotonic()
    try:
        _launch_server()
        with _quiet_main():
            process.start()
    except (OSError, EOFError) as error:
        receiver.close()
        text = f"no process could be started ({type(error).__name__}: {error})"
        return Result(job.id, "crashed", None, text, time.monotonic() - start)
    finally:
        sender.close()  # the child holds the only writing end: its death ends the pipe
    return _Running(job.id, process, receiver, start)


def _finished(running: list[_Running], *, time_limit: float | None, ends: float) -> list[_Running]:
    """Wait until something happens; return those that answered, died, or ran out of time."""
    longest = math.inf if time_limit is None else time_limit
    due = {at_work.id: min(at_work.start + longest, ends) for at_work in running}
    left = min(due.values()) - time.monotonic()
    ready = wait([at_work.connection for at_work in running], None if left == math.inf else max(0.0, left))
    now = time.monotonic()
    return [at_work for at_work in running if at_work.connection in ready or now >= due[at_work.id]]


def _result(at_work: _Running, *, time_limit: float | None) -> Result:
    """Return how the job ended."""
    answer = None
    if at_work.connection.poll():
        with contextlib.suppress(EOFError, ConnectionResetError):
            answer = at_work.connection.recv_bytes()
    else:
        _stop(at_work)
        seconds = time.monotonic() - at_work.start
        return Result(at_work.id, "timeout", None, stopped_after(time_limit, seconds=seconds), seconds)
    seconds = time.monotonic() - at_work.start
    at_work.process.join(_GRACE)  # a thread that the job left behind must not hold us up
    code = at_work.process.exitcode
    _stop(at_work)
    if answer is not None:
        result: Result = pickle.loads(answer)
        return replace(result, seconds=seconds)
    return Result(at_work.id, "crashed", None, f"the process died without an answer ({_death(code)})", seconds)


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _stop(at_work: _Running) -> None:
    at_work.process.kill()
    at_work.process.join()
    at_work.process.close()
    at_work.connection.close()


def _launch_server() -> None:
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


ENGINE = Engine(run)
