"""What a worker does, whichever engine it belongs to: one call, one answer."""

import os
import pickle  # between our own processes only; nothing of it reaches a disk
import signal
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection

from nas.engines.job import Job, call, failure


def serve(connection: Connection, payload: bytes, job_id: str, memory_limit: int | None) -> None:
    """Do the job in `payload` (in a process of its own) and send the answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        job = pickle.loads(payload)
    except Exception as problem:  # such as a module that cannot be imported here
        connection.send_bytes(pickle.dumps(failure(job_id, problem, seconds=0.0)))
    else:
        connection.send_bytes(answer(job, memory_limit=memory_limit))
    connection.close()


def answer(job: Job, *, memory_limit: int | None) -> bytes:
    """Do a job on one thread and return its result, pickled; never raises an `Exception`."""
    _use_one_thread()
    result = call(job, memory_limit=memory_limit)
    try:
        return pickle.dumps(result)
    except Exception as problem:  # the value cannot travel
        return pickle.dumps(failure(job.id, problem, seconds=result.seconds))


def _use_one_thread() -> None:
    # after the job has arrived: that is what imports torch where the worker has not
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _end_with_parent() -> None:
    """Leave when the engine's process is gone, even if it was killed and could not stop us."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
