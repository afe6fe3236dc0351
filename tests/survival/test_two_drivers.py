"""Two drivers on one folder or bank: the second is refused by the name of the first, a dead one by nobody."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from nas.errors import InUseError
from nas.runs import lock as driver_lock
from nas.runs.lock import locked


@pytest.fixture
def engine() -> str:
    """Locks have nothing to do with engines."""
    return "process"


@pytest.fixture(autouse=True)
def fast_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_lock, "BEAT", 0.1)


def test_the_second_driver_is_refused_by_name(runs: Any, tools: Any) -> None:
    first = runs.start(runs.words("seeds"), PAUSE="30")
    tools.wait_until((runs.folder / "bank.sqlite.lock").exists)
    try:
        status, err = runs.run(runs.words("seeds"))
    finally:
        first.kill()
        first.communicate()
    assert status == 2
    assert err.startswith(f"tscnas: error: the bank bank.sqlite is in use by process {first.pid} on host "), err
    assert socket.gethostname() in err and err.count("\n") == 1


def lock(path: Path) -> AbstractContextManager[None]:
    return locked(path, what="the folder x")


def test_the_lock_is_refused_within_a_process_too_and_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "new" / "driver.lock"
    with lock(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()
        with pytest.raises(InUseError, match=f"the folder x is in use by process {os.getpid()} on host"):
            lock(path).__enter__()
    assert not path.parent.exists()
    with lock(path):
        (path.parent / "result").touch()
    assert list(path.parent.iterdir()) == [path.parent / "result"]


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"pid": 1, "host": "here", "machine": "MACHINE"}'])
def test_a_dead_owner_s_lock_is_taken_over(content: str, tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    path.write_text(content.replace("MACHINE", driver_lock.this_machine()))
    start = time.monotonic()
    with lock(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert time.monotonic() - start < 0.3


def test_an_owner_on_another_machine_is_known_by_its_heart(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    path.write_text('{"pid": 77, "host": "node7", "machine": "another"}')
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(0.05):
            os.utime(path)

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        with pytest.raises(InUseError, match="process 77 on host node7"):
            lock(path).__enter__()
    finally:
        ended.set()
        heart.join()
    with lock(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()
