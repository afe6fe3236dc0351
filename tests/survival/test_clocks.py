"""Clocks that are set while a run goes on: durations come from clocks that nobody can set."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from ahc.bank import Bank
from nas.version import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
# they write down when something happened, for readers; no run computes anything from it
STAMPS = {"ahc/record.py", "nas/runs/events.py", "nas/runs/log.py"}
# `tscnas status` tells from another process how long ago a stamp was, and changes nothing
READERS = {"nas/cli/status/driver.py", "nas/cli/status/verb.py"}


@pytest.fixture
def engine() -> str:
    """The driver's and the trials' clocks are the same for all engines."""
    return "process"


def test_only_stamps_ask_the_wall_clock() -> None:
    asking = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and ast.unparse(node) in (
                    "time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
                ):  # fmt: skip
                    asking.add(str(path.relative_to(ROOT)))
    assert asking == STAMPS | READERS


@pytest.mark.survive
def test_a_jumping_clock_changes_nothing(runs: Any, undisturbed: Any) -> None:
    status, err = runs.run(runs.words("seeds", "--time-limit", "100s"), CLOCK="jumping", ENGINE_LIMIT="100")
    assert status == 0 and runs.records() == undisturbed.records(), err
    with Bank(runs.folder / "bank.sqlite", read_only=True) as bank:
        assert all(0.0 < one.seconds < 100.0 for one in bank.records())
