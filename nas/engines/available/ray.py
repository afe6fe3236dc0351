"""The Ray engine: jobs as Ray Core tasks, on the user's cluster or on a local one.

Ray is the extra `ray`. Where a cluster is known (`RAY_ADDRESS`, or one that `ray
start` began on this machine) and answers it is joined, otherwise a local one is started and
ends with this process. Every node needs this package installed; nothing else is
asked of it: workers get tasks and send values, only the driver writes files.

Ray's own retries of tasks are off (`max_retries=0`, which covers those of tasks
killed for memory): which failures are tried again, and how often, is one rule for
all engines and stands in `run`.
"""

import contextlib
import math
import os
import pickle  # between our own processes only; nothing of it reaches a disk
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nas.engines._child import answer
from nas.engines.job import Job, Result, nobody, stopped_after
from nas.engines.registry import Engine
from nas.errors import OptionError

ENVIRONMENT = {
    # for tasks of others on a cluster that we start: the default tries one killed for memory for ever
    "RAY_task_oom_retries": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
CALLS_PER_WORKER = 32  # a new process after so many jobs: what they leak stays small
_POLL = 1.0  # seconds between two looks at the clocks of what runs


@dataclass
class _Running:
    job: Job
    answers: Any
    submitted: float
    began: float | None = None

    def seconds(self) -> float:
        return time.monotonic() - (self.submitted if self.began is None else self.began)


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
    """Yield results as jobs end; a job takes one CPU and `gpu_share` of a GPU of the cluster.

    The time limit counts from the moment a worker begins the job, not while it waits
    for room on the cluster. Leaving the loop, by Ctrl-C too, kills what still runs. A worker sends
    its result and nothing before it, so `on_note` is never called.

    Raises:
        OptionError: If Ray is not installed.
    """
    ray = connect()
    resources = {"num_cpus": 1, "num_gpus": gpu_share}
    task = ray.remote(max_retries=0, max_calls=CALLS_PER_WORKER, num_returns="streaming", **resources)(_serve)
    stored: dict[int, tuple[Any, Any]] = {}  # what is shared, by its identity: sent once, and kept alive meanwhile
    running: dict[Any, _Running] = {}
    try:
        while True:
            while len(running) < workers and (job := next(jobs, None)) is not None:
                stored |= {
                    id(value): (value, ray.put(value)) for value in job.shared.values() if id(value) not in stored
                }
                shared = [stored[id(value)][1] for value in job.shared.values()]
                answers = task.remote(replace(job, shared={}), memory_limit, list(job.shared), *shared)
                running[answers] = _Running(job, answers, time.monotonic())
            if not running:
                return
            ready, _ = ray.wait(list(running), num_returns=1, timeout=max(0.0, min(_POLL, ends - time.monotonic())))
            for answers in ready:
                at_work = running[answers]
                result = _next_of(at_work, ray)
                if result is not None:
                    del running[answers]
                    yield result
            for at_work in _late(running.values(), time_limit=time_limit, ends=ends):
                ray.cancel(at_work.answers, force=True)
                del running[at_work.answers]
                text = stopped_after(time_limit, seconds=at_work.seconds())
                yield Result(at_work.job.id, "timeout", None, text, at_work.seconds())
    finally:
        for at_work in running.values():
            with contextlib.suppress(ray.exceptions.RayError):  # the cluster itself may be gone
                ray.cancel(at_work.answers, force=True)


def connect() -> Any:
    """Return the module `ray`, connected to a cluster.

    Raises:
        OptionError: If Ray is not installed, no cluster answers at `RAY_ADDRESS`, or the one there lets nobody in.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    ENGINE.check_installed()
    import ray
    import ray.exceptions

    if not ray.is_initialized():
        address = _address()
        with _signals_kept():  # it would end the process at a polite stop without a word
            try:
                ray.init(address, log_to_driver=False, configure_logging=False, include_dashboard=False)
            except (RuntimeError, ConnectionError, ray.exceptions.RayError) as error:
                line = (str(error).strip().splitlines() or [""])[-1]
                raise OptionError(f"engine: no connection to the Ray cluster {address} ({line})") from error
    return ray


def known_cluster() -> str:
    """Return the address that RAY_ADDRESS names, or else the one that `ray start` noted here; empty without either."""
    named = os.environ.get("RAY_ADDRESS", "")
    if named not in ("", "auto"):
        return named
    note = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster"
    return note.read_text(encoding="utf-8").strip() if note.is_file() else ""


def answers(address: str) -> bool:
    """Return whether something answers at `HOST:PORT` or `ray://HOST:PORT`."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return False
    try:
        with socket.create_connection((host, int(port)), timeout=5.0):
            return True
    except (OSError, OverflowError, UnicodeError):  # the latter two: no port, no name of a host
        return False


def _address() -> str:
    """Return the address of a cluster that answers, or `local` for a new one; Ray itself would wait for minutes."""
    named, address = os.environ.get("RAY_ADDRESS", ""), known_cluster()
    if address == "local" or answers(address):
        return address
    if named:
        raise OptionError(f"engine: no Ray cluster answers at RAY_ADDRESS={named}")
    return "local"  # that cluster ended without a word


def _serve(job: Job, memory_limit: int | None, names: Sequence[str], *shared: Any) -> Iterator[bytes | None]:
    """Say that the job begins, then give its answer (in a worker); it gets back what was sent apart."""
    yield None
    yield answer(replace(job, shared=dict(zip(names, shared, strict=True))), memory_limit=memory_limit)


def _next_of(at_work: _Running, ray: Any) -> Result | None:
    """Take what a task has sent: None where it has only begun."""
    try:
        content = ray.get(next(at_work.answers))
    except (ray.exceptions.RayError, StopIteration) as error:
        killed_for_memory = isinstance(error, ray.exceptions.OutOfMemoryError)
        status = "out_of_memory" if killed_for_memory else "crashed"
        kind, text = type(error).__name__, str(error).strip()
        # of a traceback the last line says it, of a sentence about a worker or a node the first
        line = (text.splitlines() or [""])[-1 if isinstance(error, ray.exceptions.RayTaskError) else 0]
        return Result(at_work.job.id, status, None, f"{kind}: {line}", at_work.seconds(), text)
    if content is None:
        at_work.began = time.monotonic()
        return None
    result: Result = pickle.loads(content)
    return replace(result, seconds=at_work.seconds())


def _late(running: Any, *, time_limit: float | None, ends: float) -> list[_Running]:
    if time.monotonic() >= ends:
        return list(running)
    if time_limit is None:
        return []
    return [at_work for at_work in running if at_work.began is not None and at_work.seconds() >= time_limit]


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Put back the handlers that the block replaces; what one of them makes of a polite stop is an interruption."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except SystemExit as leaving:
        raise KeyboardInterrupt from leaving
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


ENGINE = Engine(run, elsewhere=True, requires="ray")
