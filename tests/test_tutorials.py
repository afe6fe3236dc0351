"""The tutorials run as they stand, on the data that is shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from downstream.cases import features
from nas.options.search import EFFORTS

HERE = Path(__file__).parents[1]
PAGES = sorted((HERE / "docs" / "tutorials").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_tutorial_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # the compilation of MiniRocket takes half a minute; tests/downstream covers it
    monkeypatch.setattr(features, "find_spec", lambda name: None)
    # whether they run is what counts here, not what they find
    for name, value in {"candidates": 60, "landmarks": 4, "iterations": 4}.items():
        monkeypatch.setitem(EFFORTS["smoke"], name, value)
    (tmp_path / "examples").symlink_to(HERE / "examples")
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        exec(block, names)
    told = capsys.readouterr().out
    assert told and "nan" not in told.lower().split()
    assert any((tmp_path / "runs").iterdir()), "a tutorial keeps what it found"


def test_there_is_one_for_each_kind_of_task() -> None:
    assert {page.stem for page in PAGES} >= {"classification", "forecasting", "anomaly", "regression", "neighbours"}
