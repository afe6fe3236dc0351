"""What a child process of the process engine does: one call, one answer."""

from __future__ import annotations

import os
import pickle  # between our own processes only; nothing of it reaches a disk
import signal
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from nas.engines._job import outcome_of
from nas.engines.limits import memory_limited


def serve(connection: Connection, payload: bytes, memory_limit: int | None) -> None:
    """Make the call in `payload` and send (status, value, error, details)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer: tuple[str, Any, str, str]
    try:
        function, kwargs = pickle.loads(payload)
        _use_one_thread()
        with memory_limited(memory_limit):
            answer = ("ok", function(**kwargs), "", "")
        message = pickle.dumps(answer)
    except Exception as problem:  # whatever a candidate raises is its result
        status, error, details = outcome_of(problem)
        message = pickle.dumps((status, None, error, details))
    connection.send_bytes(message)
    connection.close()


def _use_one_thread() -> None:
    # after the payload is loaded: that is what imports torch where the server has not
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _end_with_parent() -> None:
    """Leave when the engine's process is gone, even if it was killed and could not stop us."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
