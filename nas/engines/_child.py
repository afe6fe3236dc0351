"""What a worker does, whichever engine it belongs to: one call, one answer."""

import os
import pickle  # between our own processes only; nothing of it reaches a disk
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from nas.engines.confinement import memory_limited
from nas.engines.job import outcome_of, status_of


def serve(connection: Connection, payload: bytes, memory_limit: int | None) -> None:
    """Make the call in `payload` (in a process of its own) and send the answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        function, arguments = pickle.loads(payload)
    except Exception as problem:  # such as a module that cannot be imported here
        connection.send_bytes(_failure(problem))
    else:
        connection.send_bytes(answer(function, arguments, memory_limit=memory_limit))
    connection.close()


def answer(function: Callable[..., Any], arguments: Mapping[str, Any], *, memory_limit: int | None) -> bytes:
    """Make a call on one thread and return (status, value, error, details), pickled; never raises an `Exception`."""
    try:
        _use_one_thread()
        with memory_limited(memory_limit):
            value = function(**arguments)
        return pickle.dumps((status_of(value), value, "", ""))
    except Exception as problem:  # whatever a candidate raises is its result
        return _failure(problem)


def _failure(problem: Exception) -> bytes:
    status, error, details = outcome_of(problem)
    return pickle.dumps((status, None, error, details))


def _use_one_thread() -> None:
    # after the call has arrived: that is what imports torch where the worker has not
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _end_with_parent() -> None:
    """Leave when the engine's process is gone, even if it was killed and could not stop us."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
