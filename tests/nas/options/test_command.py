"""The command that stands for options: it gives the same options when it is read."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from nas.cli import program as cli
from nas.options.command import search_command
from nas.options.search import SearchOptions


@pytest.mark.parametrize(
    "given",
    [
        {"data": "my data.csv"},
        {"data": "x.csv", "workers": 3, "svm": False, "report": False, "time_budget": 90.5, "output": "o'clock"},
        {"data": "a", "horizons": (24, 48), "target": ("a", "b c"), "no_header": True, "max_multiply_adds": 2e9},
        {"data": "a", "preset": "ts2vec", "memory_limit": 10**9, "separator": "\t", "rng_seed": 7},
        {"data": "a", "space": "full", "strategy": "random"},
    ],
)
def test_it_is_read_as_what_it_stands_for(given: dict[str, Any]) -> None:
    asked = SearchOptions(**given)
    words = shlex.split(search_command(asked.as_dict(), space=asked.space_name))
    read: list[Any] = []
    answer = type("Answer", (), {"text": ""})
    assert words[0] == "tscnas" and cli.main(words[1:], call=lambda options: read.append(options) or answer) == 0
    assert read == [asked]


def test_what_no_command_can_ask_has_none() -> None:
    assert search_command({"iterations": 3}, space="default") == ""
    assert "--space FILE" in search_command({"data": "a"}, space="given")
