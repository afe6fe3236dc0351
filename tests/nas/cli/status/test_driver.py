"""Whether a driver is alive, told without touching its lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from nas.cli.status import driver
from nas.cli.status.driver import driver_of
from nas.runs import lock
from nas.runs.lock import locked, process_space, this_machine


def left_by(path: Path, *, age: float, **changes: Any) -> Path:
    """Write a lock file as a driver leaves it that was killed `age` seconds ago."""
    owner = {"pid": os.getpid(), "host": "h", "machine": this_machine(), "processes": process_space()}
    path.write_text(json.dumps(owner | changes))
    moment = time.time() - age
    os.utime(path, (moment, moment))
    return path


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_driver_at_work_is_alive_and_keeps_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    with locked(path, what="it"):
        found = driver_of(path)
        assert found is not None and found.alive and not found.gone and found.pid == os.getpid()
    assert driver_of(path) is None


def test_looking_never_keeps_a_driver_from_beginning(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    ended = threading.Event()
    looks = []

    def look() -> None:
        while not ended.is_set():
            looks.append(driver_of(path))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(200):
            with locked(path, what="it"):  # raises where somebody else holds the lock
                pass
    finally:
        ended.set()
        watcher.join()
    assert len(looks) > 50


def test_a_killed_driver_is_gone_at_once(tmp_path: Path) -> None:
    found = driver_of(left_by(tmp_path / "l", age=0.1, pid=dead_pid()))
    assert found is not None and found.gone and not found.alive


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not show its zombies")
def test_a_killed_driver_whose_parent_takes_no_note_is_gone_too(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    path = left_by(tmp_path / "l", age=0.0, pid=process.pid)
    alive = driver_of(path)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and left a zombie
    gone = driver_of(path)
    process.wait()
    assert alive is not None and alive.alive and gone is not None and gone.gone and not gone.alive


def test_a_process_of_another_container_is_judged_by_its_heart(tmp_path: Path) -> None:
    beating = driver_of(left_by(tmp_path / "l", age=0.1, pid=dead_pid(), processes="pid:[1]"))
    assert beating is not None and beating.alive and not beating.gone


def test_a_driver_that_stands_still_is_neither_alive_nor_gone(tmp_path: Path) -> None:
    found = driver_of(left_by(tmp_path / "l", age=40.0))
    assert found is not None and not found.alive and not found.gone and 40.0 <= found.silent_seconds < 45.0


@pytest.mark.parametrize("beats", [True, False])
def test_on_another_machine_only_a_beat_counts_whatever_the_clocks_say(
    beats: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lock, driver):
        monkeypatch.setattr(module, "BEAT", 0.2)
    path = left_by(tmp_path / "l", age=0.0, machine="elsewhere")
    heart = threading.Timer(0.1, lambda: os.utime(path, (0.0, 0.0)))
    if beats:
        heart.start()
    found = driver_of(path)
    heart.cancel()
    assert found is not None and found.alive is beats and not found.gone


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"[" * 4000, b'{"pid": true, "host": 3}', b'{"pid": 1e9}'])
def test_a_lock_file_with_anything_in_it_is_no_driver_of_note(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lock, driver):
        monkeypatch.setattr(module, "BEAT", 0.01)
    path = tmp_path / "l"
    path.write_bytes(content)
    found = driver_of(path)
    assert found is not None and found.pid is None and found.host == "unknown"


def test_a_folder_or_a_link_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(left_by(tmp_path / "l", age=0.0))
    assert driver_of(tmp_path / "link") is None and driver_of(tmp_path / "none") is None
