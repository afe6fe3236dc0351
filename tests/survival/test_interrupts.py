"""Ctrl-C: once finishes what runs, twice stops it; both leave what was done, and status 130."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest


@pytest.mark.survive
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c(runs: Any, undisturbed: Any, times: int, tools: Any) -> None:
    (runs.folder / "workers").mkdir()
    pause = 2.0
    driver = runs.start(runs.words("seeds"), PAUSE=str(pause), WORKERS=str(runs.folder / "workers"))
    began = tools.wait_until(lambda: {file.read_text() for file in (runs.folder / "workers").iterdir()} - {""})
    start = time.monotonic()
    for _ in range(times):
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does: everybody gets it
        time.sleep(0.3)
    _, err = driver.communicate(timeout=60)
    assert driver.returncode == 130, err
    assert "Traceback" not in err and "the same command goes on from there" in err
    assert ("Ctrl-C again stops it" in err) and not (runs.folder / "bank.sqlite.lock").exists()
    saved = {f"{key[0]}-{key[3]}-{key[4]}" for key in runs.records()}
    if times == 1:
        assert began <= saved and len(saved) <= 2
        status, err = runs.run(runs.words("seeds"))
        assert status == 0 and runs.records() == undisturbed.records()
    else:
        assert saved == set() and time.monotonic() - start < pause + 5.0
