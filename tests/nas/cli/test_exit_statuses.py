"""Every exit status is the one of the table in the README, and nothing else is."""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import nas
from ahc.record import STATUSES
from compute.user_error import UserError
from nas import net
from nas.cli import program as cli
from nas.cli.commands import Command
from nas.version import PACKAGES

ROOT = Path(cli.__file__).resolve().parents[2]
ITALY = ROOT / "examples" / "data" / "ItalyPowerDemand"
SMALL = ("--task", "classification", "--preset", "simclr", "--iterations", "2", "--engine", "serial", "--quiet")
TABLE = {
    int(status): meaning
    for status, meaning in re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
}


def test_the_table_lists_what_a_command_can_return_and_so_does_the_help() -> None:
    returned = {cli.OK, cli.INTERRUPTED, *(kind.exit_status for kind in error_classes())}
    assert set(TABLE) == returned
    assert {int(number) for number in re.findall(r"\d+", cli._EXIT_STATUSES)} == returned


def error_classes() -> list[type[UserError]]:
    """Return the classes of errors of the user, wherever in our packages they are defined."""
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    return UserError.__subclasses__()


def test_every_error_of_the_user_leads_to_a_status_of_the_table() -> None:
    classes = error_classes()
    assert len(classes) > 12 and nas.__name__ in PACKAGES
    for kind in classes:
        assert cli.status_of(kind("wrong")) == kind.exit_status and kind.exit_status in TABLE, kind
        assert kind.trial_status in STATUSES, kind
    assert cli.status_of(ValueError("a defect of ours")) is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, ["space", "sample"]),
        (0, ["--help"]),
        (2, ["search"]),
        (2, ["search", "d.csv", "--top-k", "none"]),
        (2, ["search", str(ITALY), "--output", "mine"]),  # a folder with other files
        (3, ["search", "none.csv"]),
        (3, ["status", "none"]),
        (3, ["bank", "ls", "none.sqlite"]),
        (3, ["embed", "none", str(ITALY)]),
        (4, ["search", str(ITALY), "--output", "diverges", *SMALL]),
        (5, ["search", str(ITALY), "--output", "hurried", "--time-budget", "0.01s", *SMALL]),
    ],
)
def test_what_users_meet(
    status: int,
    words: Sequence[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def diverge(*_: object, **__: object) -> None:
        raise FloatingPointError("not finite")

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    monkeypatch.setattr(net, "validate", diverge)
    assert cli.main(words) == status and status in TABLE
    error = capsys.readouterr().err
    assert (error == "") is (status == 0) and "Traceback" not in error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interruption_is_130(number: signal.Signals) -> None:
    code = f"""
import os, sys, time
from nas.cli import program as cli
from nas.version import PACKAGES
from nas.cli.commands import Command
def wait(options):
    os.kill(os.getpid(), {int(number)})
    time.sleep(30)
Command.load = lambda self, **_: wait
sys.exit(cli.main(["search", "d.csv"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 130 and "the same command goes on from there" in done.stderr and 130 in TABLE


def test_a_status_of_a_result_is_the_command_s(monkeypatch: pytest.MonkeyPatch) -> None:
    found = type("Found", (), {"text": "3 problems", "status": 3})()
    monkeypatch.setattr(Command, "load", lambda self, **_: lambda options: found)
    assert cli.main(["doctor"]) == cli.main(["bank", "verify", "bank.sqlite"]) == 3
