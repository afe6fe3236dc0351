"""The pages of commands: every one is one that the command line takes, every file one that is written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from nas.cli import program as cli
from nas.cli.commands import Command

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
TOUR = (Path(__file__).parents[3] / "docs" / "tour.md").read_text(encoding="utf-8")
LINES = [line.split("#") for line in (PAGE + TOUR).splitlines() if line.startswith("tscnas ")]
COMMANDS = sorted({line[0].strip() for line in LINES})


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) > 50
    assert [int(number) for number in re.findall(r"(?:# |^|; )(\d+)(?:\\?\.)? ", TOUR, flags=re.MULTILINE)] == [
        *range(1, 44)
    ]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_is_one(line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "data").mkdir(parents=True)
    (tmp_path / "runs" / "data" / "config.json").write_text("{}")
    called: list[Any] = []

    def call(options: Any) -> Any:
        called.append(options)
        return type("Answer", (), {"text": ""})

    monkeypatch.setattr(Command, "load", lambda self, **_: call)
    assert cli.main(shlex.split(line)[1:]) == 0 and len(called) == ("--print-config" not in line)


def test_the_page_is_linked_and_its_links_lead_somewhere() -> None:
    root = Path(__file__).parents[3]
    assert "(docs/operations.md)" in (root / "README.md").read_text(encoding="utf-8")
    for place in re.findall(r"`((?:ahc|examples)/[\w/.]+)`", PAGE):
        assert (root / place).exists(), place
