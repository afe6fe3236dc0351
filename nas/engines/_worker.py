"""A worker of the process engine, as its driver sees it."""

import pickle  # between our own processes only; nothing of it reaches a disk
import signal
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any, NamedTuple

from nas.engines._child import NOTE, Request
from nas.engines.job import Job, Result

MOST_JOBS = 200
"""Jobs that one worker does: what they leave behind in it stays small."""
GRACE = 5.0  # seconds to leave
_LEAVES_A_WORKER_AS_IT_WAS = ("completed", "diverged", "invalid")


class Note(NamedTuple):
    """What a job tells while it goes on."""

    value: Any


class Worker:
    """A process that does one job after the other.

    Args:
        process: It runs `_child.serve`.
        connection: To it; its only other end is there, so its death ends the connection.
    """

    def __init__(self, process: ForkServerProcess, connection: Connection) -> None:
        self.connection = connection
        self._process = process
        self._known: dict[int, Any] = {}  # what it was sent of what jobs share: kept, so that no number comes twice
        self._n_jobs = 0

    def take(self, job: Job, *, memory_limit: int | None) -> bool:
        """Send it a job, what it shares with others only where it is new; return whether somebody was there."""
        new = {id(value): value for value in job.shared.values() if id(value) not in self._known}
        numbers = {name: id(value) for name, value in job.shared.items()}
        try:
            # plain pickle copies tensors; multiprocessing's own would tie them to this process's life
            content = pickle.dumps((replace(job, shared={}), new))
            self.connection.send_bytes(pickle.dumps(tuple(Request(job.id, content, numbers, memory_limit))))
        except OSError:
            return False
        except BaseException:  # half of a job may be on its way
            self.kill()
            raise
        self._known |= new
        self._n_jobs += 1
        return True

    def result(self) -> tuple[Result | Note | None, bool]:
        """Return what has arrived, a result or a note before it, None where it died, and whether it may do another job.

        After a note the job goes on.
        """
        try:
            reply = self.connection.recv_bytes()
        except (EOFError, OSError):
            return None, False
        if reply[0] == NOTE:
            return Note(pickle.loads(memoryview(reply)[1:])), False
        result: Result = pickle.loads(memoryview(reply)[1:])
        fit = bool(reply[0]) and result.status in _LEAVES_A_WORKER_AS_IT_WAS and self._n_jobs < MOST_JOBS
        return result, fit

    def death(self) -> str:
        """Return how it ended, once it has."""
        self._process.join(GRACE)
        code = self._process.exitcode
        return f"killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"

    def stop(self) -> None:
        """Let it leave, or kill it where it does not: a thread that a job left behind must not hold us up."""
        self.connection.close()
        self._process.join(GRACE)
        self.kill()

    def kill(self) -> None:
        """Stop it at once."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.connection.close()
