"""Whether a driver is alive, told from its lock file without touching the lock."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from nas.runs.lock import BEAT, WATCHED_BEATS, beats, owner_of, process_space, this_machine


@dataclass(frozen=True)
class Driver:
    """Who holds a lock.

    Args:
        pid: Its process, in the eyes of its own machine; None if the file does not say.
        host: Name of that machine or container.
        alive: It gives signs of life.
        gone: It is known to have died; a driver that is neither alive nor gone may have been stopped, or its machine
            does not answer.
        silent_seconds: Seconds since its last sign of life, by the clock here.
    """

    pid: int | None
    host: str
    alive: bool
    gone: bool
    silent_seconds: float


def driver_of(lock: Path) -> Driver | None:
    """Return who holds a lock file, None where there is none.

    Never takes the lock, not even for a moment: a driver that begins in that moment would be refused.
    """
    try:
        file = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        owner = owner_of(file)
        here = owner.get("machine") == this_machine()
        pid, host = owner.get("pid"), owner.get("host")
        pid = pid if type(pid) is int and 0 < pid < 2**31 else None
        gone = here and pid is not None and owner.get("processes") == process_space() and not _exists(pid)
        silent = max(time.time() - os.fstat(file).st_mtime, 0.0)
        # the clocks of two machines do not compare
        beating = silent < WATCHED_BEATS * BEAT if here or not owner else beats(file, seconds=2.5 * BEAT)
        return Driver(pid, host if isinstance(host, str) else "unknown", beating and not gone, gone, silent)
    except OSError:
        return None
    finally:
        os.close(file)


def _exists(pid: int) -> bool:
    """Return whether a process lives; one that has died and whose parent has not taken note does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True  # gone this moment, or a system without such files
    return stat.rpartition(")")[2].split()[:1] not in (["Z"], ["X"])
