"""What a worker does, whichever engine it belongs to: one call, one answer; or one after the other."""

import contextvars
import gc
import os
import pickle  # between our own processes only; nothing of it reaches a disk
import resource
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from nas.engines.job import Job, call, failure, nobody

MOST_GROWTH = 2**30
"""Bytes of memory that a worker may hold, between two jobs, beyond those that it began with."""
NOTE = 2
"""Byte before a pickled note of a job that goes on."""


class Request(NamedTuple):
    """What a worker is sent.

    Attributes:
        job_id: Of the job.
        content: The job without what it shares, and the shared objects that are new to the worker by their numbers,
            pickled.
        shared: The number of each shared object by the name of its argument.
        memory_limit: Bytes, or None.
    """

    job_id: str
    content: bytes
    shared: Mapping[str, int]
    memory_limit: int | None


def serve(connection: Connection) -> None:
    """Do the jobs that come (in a process of its own) until the connection ends.

    An answer is a byte, 1 where this process may do another job, and the pickled result; notes may come before it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from nas.engines._fresh import GlobalState

    fresh, n_threads, resident = GlobalState(), threading.active_count(), _resident()
    known: dict[int, Any] = {}
    while True:
        try:
            request = Request(*pickle.loads(connection.recv_bytes()))
        except (EOFError, OSError):  # the driver needs no more, or is gone
            return
        reply = contextvars.copy_context().run(_reply, request, known, connection)
        fresh.restore()
        fit = threading.active_count() == n_threads and not _has_grown(resident)
        connection.send_bytes(bytes([fit]) + reply)
        del request, reply


def _reply(request: Request, known: dict[int, Any], connection: Connection) -> bytes:
    try:
        job, new = pickle.loads(request.content)
    except Exception as problem:  # such as a module that cannot be imported here
        return pickle.dumps(failure(request.job_id, problem, seconds=0.0))
    known |= new
    shared = {name: known[number] for name, number in request.shared.items()}

    def send(value: Any) -> None:
        connection.send_bytes(bytes([NOTE]) + pickle.dumps(value))

    return answer(replace(job, shared=shared), memory_limit=request.memory_limit, on_note=send)


def answer(job: Job, *, memory_limit: int | None, on_note: Callable[[Any], None] = nobody) -> bytes:
    """Do a job on one thread and return its result, pickled; never raises an `Exception`."""
    _use_one_thread()
    result = call(job, memory_limit=memory_limit, on_note=on_note)
    try:
        return pickle.dumps(result)
    except Exception as problem:  # the value cannot travel
        return pickle.dumps(failure(job.id, problem, seconds=result.seconds))


def _use_one_thread() -> None:
    # after the job has arrived: that is what imports torch where the worker has not
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _has_grown(before: int) -> bool:
    if _resident() - before <= MOST_GROWTH:
        return False
    gc.collect()
    return _resident() - before > MOST_GROWTH


def _resident() -> int:
    """Return the bytes of memory that this process holds; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize() if statm.exists() else 0


def _end_with_parent() -> None:
    """Leave when the engine's process is gone, even if it was killed and could not stop us."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
