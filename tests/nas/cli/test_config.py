"""Settings as a file: what is printed or was run is read again, and means the same; what an effort stands for."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from nas.cli import program as cli
from nas.cli.commands import Command
from nas.errors import OptionError
from nas.options.search import EFFORTS, SearchOptions
from nas.runs.folder import RunFolder


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    class Done:
        text = "done"

    def call(options: Any) -> Done:
        calls.append(options)
        return Done()

    monkeypatch.setattr(Command, "load", lambda self, **_: call)
    return calls


def test_printed_settings_are_read_again_and_nothing_runs(
    called: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["search", "d.csv", "--effort", "fast", "--top-k", "3", "--horizons", "24,48", "--output", "straße/x"]
    assert cli.main([*words, "--print-config"]) == 0 and called == []
    printed = capsys.readouterr().out
    assert "iterations: 50" in printed and "top_k: 3" in printed
    (tmp_path / "c.yaml").write_text(printed, encoding="utf-8")
    assert cli.main(["search", "--config", str(tmp_path / "c.yaml")]) == 0
    assert cli.main(words) == 0
    assert called[0] == called[1]


def test_the_configuration_of_a_run_is_read_again(called: list[Any], tmp_path: Path) -> None:
    options = SearchOptions("d.csv", task="classification", top_k=2, overwrite=True, output=str(tmp_path / "run"))
    folder = RunFolder(tmp_path / "run", config={**options.as_dict(), "svm": None, "task_hash": "0", "names_hash": ""})
    folder.start()
    assert cli.main(["search", "--config", str(folder.path / "config.json")]) == 0
    assert called == [SearchOptions("d.csv", task="classification", top_k=2, output=str(tmp_path / "run"))]


@pytest.mark.parametrize("effort", [None, *EFFORTS])
def test_an_effort_sets_what_the_user_leaves_open(effort: str | None) -> None:
    found = SearchOptions("d.csv", effort=effort)
    stands_for = EFFORTS[effort or "medium"]
    assert {name: getattr(found, name) for name in stands_for} == stands_for | ({} if effort else {"time_budget": None})
    mine = SearchOptions("d.csv", effort=effort, top_k=3, time_budget=7.0)
    assert (mine.top_k, mine.time_budget, mine.iterations) == (3, 7.0, stands_for["iterations"])


def test_efforts_grow() -> None:
    values = list(EFFORTS.values())
    for less, more in itertools.pairwise(values):
        assert all(less[name] <= more[name] for name in less) and less["time_budget"] < more["time_budget"]


def test_an_unknown_effort_is_one_sentence() -> None:
    with pytest.raises(OptionError, match="effort: must be one of smoke, fast, medium, best, got 'huge'"):
        SearchOptions("d.csv", effort="huge")
