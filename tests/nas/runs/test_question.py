"""Whether a run may go on in a folder: the same question, or one for more; never another one, or for less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nas.errors import OutputExistsError
from nas.runs.folder import RunFolder
from nas.runs.question import GROWING, asks_for_more, changed, question_of

BEFORE = {"top_k": 4, "iterations": 100, "strategy": "landmark", "allow_baseline": False, "rng_seed": 0}


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"top_k": 8}, True),
        ({"iterations": 200, "top_k": 5}, True),
        ({"allow_baseline": True}, True),
        ({"top_k": 2}, False),
        ({"iterations": 200, "top_k": 2}, False),
        ({"iterations": 200, "rng_seed": 1}, False),
        ({"strategy": "random"}, False),
    ],
)
def test_only_more_of_what_may_grow_is_an_extension(changes: dict[str, Any], more: bool) -> None:
    question = question_of({**BEFORE, **changes})
    names = changed(question_of(BEFORE), question)
    assert names == sorted(changes) and asks_for_more(BEFORE, question, names) is more


def test_how_it_is_run_and_what_something_else_says_is_not_asked() -> None:
    config = {**BEFORE, "workers": 2, "effort": "best", "data": "a.csv"}
    assert question_of(config, beside=("data",)) == BEFORE
    assert changed({**BEFORE, "data": "a.csv", "quiet": True}, BEFORE, beside=("data",)) == []
    # a fact that follows from others is compared only where the earlier run wrote it down
    assert changed(BEFORE, {**BEFORE, "lookbacks": [0, 96]}) == []
    assert changed({**BEFORE, "lookbacks": [0]}, {**BEFORE, "lookbacks": [0, 96]}) == ["lookbacks"]


def test_a_finished_run_goes_on_where_more_is_asked_and_its_answer_never_stands_under_that(tmp_path: Path) -> None:
    first = RunFolder(tmp_path / "run", config=BEFORE)
    first.start()
    (first.path / "run.json").write_text("{}")
    (first.path / "answer.txt").write_text("the first answer")
    assert RunFolder(first.path, config=BEFORE).finished
    longer = RunFolder(first.path, config={**BEFORE, "top_k": 8})
    assert not longer.finished
    longer.start()
    assert not (first.path / "run.json").exists() and (first.path / "answer.txt").exists()
    assert json.loads((first.path / "config.json").read_text())["question"]["top_k"] == 8
    assert not longer.finished
    (first.path / "run.json").write_text("{}")
    assert longer.finished
    with pytest.raises(OutputExistsError, match=r"top_k differ\); of these it can be given more, never less"):
        RunFolder(first.path, config=BEFORE)


def test_what_may_grow_is_named_as_options_are() -> None:
    from nas.options.fields import settings_of
    from nas.options.search import EFFORTS, SearchSettings

    known = settings_of(SearchSettings)
    assert {*GROWING} <= {*known} and all({*settings} <= {*known} for settings in EFFORTS.values())
