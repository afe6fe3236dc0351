"""`docs/bank.md`: its commands are ones, its code runs on the shipped bank, and SQL and Python answer alike."""

from __future__ import annotations

import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ahc.bank import SHIPPED, Bank
from ahc.bank.export import columns
from ahc.bank.merge import merge_banks
from ahc.bank.schema import TASK_COLUMNS
from ahc.record import ORIGINS, STATUSES
from downstream.kinds import KINDS, task_kind
from nas.cli import program as cli
from nas.cli.commands import Command
from nas.seeding.manifest import read_manifest

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "bank.md").read_text(encoding="utf-8")
COMMANDS = [line for line in PAGE.splitlines() if line.startswith("tscnas ")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """Run the page's Python in its order; return what it left."""
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(block, names)
    return names


def test_sql_and_python_answer_the_three_questions_alike(answers: dict[str, Any], tmp_path: Path) -> None:
    merge_banks([SHIPPED], tmp_path / "bank.sqlite", mix_protocols=True)
    asked = dict(zip(("readouts", "training", "noise"), blocks("sql"), strict=True))
    with closing(sqlite3.connect(tmp_path / "bank.sqlite")) as connection:
        for name, question in asked.items():
            told = {row[:-2]: row[-2:] for row in connection.execute(question)}
            expected = {key if isinstance(key, tuple) else (key,): row for key, *row in answers[name].itertuples()}
            assert told.keys() == expected.keys() and told, name
            for key, (mean, size) in expected.items():
                assert told[key] == (pytest.approx(mean, rel=1e-6, abs=1e-9), size), (name, key)


def test_random_search_finds_the_best_in_the_end(answers: dict[str, Any]) -> None:
    assert answers["regrets"] and all(not regret < 0 for regret in answers["regrets"].values())
    pool = answers["done"][answers["done"]["task_hash"] == answers["done"]["task_hash"].iloc[0]]
    cost, regret = answers["random_search"](pool, 0)
    assert cost.iloc[-1] == pytest.approx(1.0) and regret.iloc[-1] == 0.0


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_is_one(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []

    def call(options: Any) -> Any:
        called.append(options)
        return type("Answer", (), {"text": ""})

    monkeypatch.setattr(Command, "load", lambda self, **_: call)
    assert cli.main(shlex.split(line)[1:]) == 0 and len(called) == 1


def test_the_figures_are_those_of_the_shipped_bank(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bank", "ls"]) == 0
    shown = capsys.readouterr().out.removeprefix(f"{SHIPPED}: ").splitlines()
    assert blocks("text")[0].splitlines() == shown[:2]


def test_every_column_and_name_is_explained() -> None:
    for name in (*columns(genes=False), *TASK_COLUMNS, *STATUSES, *ORIGINS, *KINDS):
        assert f"`{name}`" in PAGE or f"`{name}.sqlite`" in PAGE, name
    with Bank(SHIPPED, read_only=True) as bank:
        assert {tally.kind for tally in bank.tallies()} <= {*KINDS}
    for kind in KINDS:
        assert re.search(rf"^\| {kind} \|", PAGE, flags=re.MULTILINE), task_kind(kind)


def test_the_manifest_is_one(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text(blocks("yaml")[0])
    assert [entry.name for entry in read_manifest(tmp_path / "manifest.yaml")] == ["pumps", "gestures"]


def test_the_page_is_linked_and_its_links_lead_somewhere() -> None:
    assert "(docs/bank.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    for place in re.findall(r"\]\((\w+\.md)\)", PAGE):
        assert (ROOT / "docs" / place).is_file(), place
