"""One driver per run folder and per bank: the second one is refused by the name of the first.

The lock is a file that names its owner and is held through the operating system
(`flock`), which lets go of it when the owner dies, however it dies. Between machines
that share a disk that may not be told: there the owner's heart - the file's time,
renewed every few seconds - is watched for a while, without comparing any clocks.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from nas.errors import InUseError

LOCK_NAME = "driver.lock"
BEAT = 2.0  # seconds between two signs of life
WATCHED_BEATS = 4


class DriverLock:
    """Holds a lock file; use it as a context manager.

    Args:
        path: The lock file; its folder is made. Both are gone at the end, unless the folder holds something else.
        what: What is locked, for the sentence.

    Raises:
        InUseError: On entering, if another driver holds the lock; names its process and host.
    """

    def __init__(self, path: str | Path, *, what: str) -> None:
        self.path, self._what = Path(path), what
        self._file: int | None = None
        self._made_folder = False
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    def __enter__(self) -> DriverLock:
        self._made_folder = not self.path.parent.exists()
        while self._file is None:
            self._file = self._taken()
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(_myself()).encode(), 0)
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None and self._heart is not None
        self._ended.set()
        self._heart.join()
        self.path.unlink(missing_ok=True)  # before the lock is let go: whoever waits sees another file there
        os.close(self._file)
        self._file = None
        if self._made_folder:
            with contextlib.suppress(OSError):
                self.path.parent.rmdir()  # unless something came of it

    def _taken(self) -> int | None:
        """Return the open lock file, or None where it, or its folder, was removed in this moment."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            return None
        try:
            held = True
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.0 if owner_of(file) else BEAT / 4)  # it may be about to write its name
                raise InUseError(self._sentence(owner_of(file))) from None
            except OSError:
                held = False  # a file system without such locks: the heart alone tells
            owner = owner_of(file)
            if owner and not (held and owner.get("machine") == this_machine()) and self._alive(file):
                raise InUseError(self._sentence(owner))
            if _same_file(file, self.path):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        return None

    def _alive(self, file: int) -> bool:
        """Return whether the owner, on another machine, gives a sign of life."""
        before = os.fstat(file).st_mtime_ns
        for _ in range(2 * WATCHED_BEATS):
            time.sleep(BEAT / 2)
            if os.fstat(file).st_mtime_ns != before:
                return True
        return False

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def _sentence(self, owner: dict[str, Any]) -> str:
        pid, host = owner.get("pid", "unknown"), owner.get("host", "unknown")
        return f"{self._what} is in use by process {pid} on host {host}; wait for it, or end it first ({self.path})"


def bank_lock(bank: str | Path) -> DriverLock:
    """Return the lock of a bank's writer."""
    path = Path(bank)
    return DriverLock(path.with_name(path.name + ".lock"), what=f"the bank {path}")


def folder_lock(folder: str | Path) -> DriverLock:
    """Return the lock of the driver of an output folder."""
    return DriverLock(Path(folder) / LOCK_NAME, what=f"the folder {folder}")


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
    try:
        content = json.loads(os.pread(file, 4096, 0) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _same_file(file: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False
