"""SIGKILL of workers and of drivers: the same command again ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.survive("ray")
def test_killed_workers_cost_nothing(runs: Any, undisturbed: Any, kills: int, tools: Any) -> None:
    left, rng = kills, random.Random(1)
    while left > 0:
        shutil.rmtree(runs.folder / "workers", ignore_errors=True)
        (runs.folder / "workers").mkdir()
        for file in runs.folder.glob("bank.sqlite*"):
            file.unlink()
        driver = runs.start(runs.words("seeds"), PAUSE="0.4", WORKERS=str(runs.folder / "workers"))
        done: set[str] = set()
        while driver.poll() is None and left > 0:
            time.sleep(0.05 * rng.random())
            left -= kill_one(runs.folder / "workers", done, rng=rng, tools=tools)
        _, err = driver.communicate(timeout=300)
        assert driver.returncode == 0, err
        assert done and runs.records() == undisturbed.records()


def kill_one(folder: Path, done: set[str], *, rng: random.Random, tools: Any) -> int:
    """Kill a worker whose trial has not been killed before (a second time it would count as crashed)."""
    files = [(int(file.name), file.read_text(encoding="utf-8")) for file in folder.iterdir()]
    chosen = [(pid, trial) for pid, trial in files if trial and trial not in done and tools.is_alive(pid)]
    if not chosen:
        return 0
    pid, trial = rng.choice(chosen)
    os.kill(pid, signal.SIGKILL)
    (folder / str(pid)).unlink()
    done.add(trial)
    return 1


@pytest.mark.survive("ray")
def test_killed_driver_of_seeds(runs: Any, undisturbed: Any, kills: int, tools: Any) -> None:
    rng = random.Random(2)
    left = kills
    while left > 0:
        for file in runs.folder.glob("bank.sqlite*"):
            file.unlink()
        left -= run_with_kills(runs, "seeds", left, rng=rng, tools=tools)
        assert runs.records() == undisturbed.records()
        assert not (runs.folder / "bank.sqlite.lock").exists()


@pytest.mark.survive
def test_killed_driver_of_the_whole_pipeline(runs: Any, undisturbed: Any, kills: int, tools: Any) -> None:
    for verb in ("ahc", "search"):
        if not (undisturbed.folder / ("comparator" if verb == "ahc" else "run")).exists():
            status, err = undisturbed.run(undisturbed.words(verb))
            assert status == 0, err
    rng, left, n_rounds = random.Random(3), kills, 0
    while left > 0:
        n_rounds += 1
        for name in ("comparator", "run"):
            shutil.rmtree(runs.folder / name, ignore_errors=True)
        for file in runs.folder.glob("bank.sqlite*"):
            file.unlink()
        for verb in ("seeds", "ahc", "search"):
            left -= run_with_kills(runs, verb, max(2, left // 3), rng=rng, tools=tools)
        assert runs.records() == undisturbed.records()
        found, expected = runs.answer(), undisturbed.answer()
        assert [name for name in expected if found[name] != expected[name]] == []


def run_with_kills(runs: Any, verb: str, most: int, *, rng: random.Random, tools: Any) -> int:
    """Run a command and kill it at random moments, again and again until it ends; return how often it was killed."""
    killed = 0
    while True:
        driver = runs.start(runs.words(verb), PAUSE="0.1")
        longest = (25.0 if runs.engine == "ray" else 15.0) if most > 1 else 6.0
        moment = rng.uniform(1.0, longest) if killed < most else 300.0
        limit = time.monotonic() + moment
        while driver.poll() is None and time.monotonic() < limit:
            time.sleep(0.02)
        if driver.poll() is not None:
            _, err = driver.communicate()
            # a comparator may have been there already
            assert driver.returncode == 0 or "exists; choose another" in err, (driver.returncode, err)
            return killed
        below = tools.descendants(driver.pid)
        driver.kill()
        driver.communicate()
        killed += 1
        tools.wait_for_the_end_of(below)
