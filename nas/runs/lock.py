"""One driver per run folder and per bank: the second one is refused by the name of the first.

The lock is a file that names its owner and is held through the operating system
(`flock`), which lets go of it when the owner dies, however it dies. Between machines
that share a disk that may not be told: there the owner's heart - the file's time,
renewed every few seconds - is watched for a while, without comparing any clocks.
"""

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from nas.errors import InUseError
from nas.runs.lines import json_object

LOCK_NAME = "driver.lock"
BEAT = 2.0  # seconds between two signs of life
WATCHED_BEATS = 4


@contextlib.contextmanager
def locked(path: str | Path, *, what: str) -> Iterator[None]:
    """Hold a lock file inside the block.

    Args:
        path: The lock file; its folder is made. Both are gone at the end, unless the folder holds something else.
        what: What is locked, for the sentence.

    Raises:
        InUseError: If another driver holds the lock; names its process and host.
    """
    path = Path(path)
    made_folder = not path.parent.exists()
    while (file := _taken(path, what=what)) is None:
        pass
    os.ftruncate(file, 0)
    os.pwrite(file, json.dumps(_myself()).encode(), 0)
    ended = threading.Event()
    heart = threading.Thread(target=_beat, args=(path, ended), daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()
        path.unlink(missing_ok=True)  # before the lock is let go: whoever waits sees another file there
        os.close(file)
        if made_folder:
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # unless something came of it


def bank_lock(bank: str | Path) -> AbstractContextManager[None]:
    """Return the lock of a bank's writer."""
    path = Path(bank)
    return locked(path.with_name(path.name + ".lock"), what=f"the bank {path}")


def folder_lock(folder: str | Path) -> AbstractContextManager[None]:
    """Return the lock of the driver of an output folder."""
    return locked(Path(folder) / LOCK_NAME, what=f"the folder {folder}")


def _taken(path: Path, *, what: str) -> int | None:
    """Return the open lock file, or None where it, or its folder, was removed in this moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        return None
    ours = False
    try:
        if (owner := _other_owner(file)) is not None:
            pid, host = owner.get("pid", "unknown"), owner.get("host", "unknown")
            raise InUseError(f"{what} is in use by process {pid} on host {host}; wait for it, or end it first ({path})")
        with contextlib.suppress(FileNotFoundError):
            ours = os.path.samestat(os.fstat(file), path.stat())
        return file if ours else None
    finally:
        if not ours:
            os.close(file)


def _other_owner(file: int) -> dict[str, Any] | None:
    """Lock an open file and return None, or what it says about the driver that holds it."""
    held = True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(0.0 if owner_of(file) else BEAT / 4)  # it may be about to write its name
        return owner_of(file)
    except OSError:
        held = False  # a file system without such locks: the heart alone tells
    owner = owner_of(file)
    died = held and owner.get("machine") == this_machine()
    return owner if owner and not died and beats(file, seconds=WATCHED_BEATS * BEAT) else None


def beats(file: int, *, seconds: float) -> bool:
    """Return whether the owner of an open lock file, on another machine, gives a sign of life within the seconds."""
    before = os.fstat(file).st_mtime_ns
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(BEAT / 8)
        if os.fstat(file).st_mtime_ns != before:
            return True
    return False


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        with contextlib.suppress(OSError):
            os.utime(path)


def _myself() -> dict[str, Any]:
    here = {"host": socket.gethostname(), "machine": this_machine(), "processes": process_space()}
    return {"pid": os.getpid(), **here}


def this_machine() -> str:
    """Return what names this machine between two starts of it; containers on it share that, unlike their host name."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text(encoding="ascii").strip() if boot.is_file() else socket.gethostname()


def process_space() -> str:
    """Return what names the set of processes that this one can see: a container's differ from its machine's."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""  # a system without containers of this kind


def owner_of(file: int) -> dict[str, Any]:
    """Return what an open lock file says; empty where it says nothing, as between its making and its writing."""
    return json_object(os.pread(file, 4096, 0))
