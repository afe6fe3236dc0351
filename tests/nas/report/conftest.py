"""One small search for all tests of reports, and a page as a parser sees it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from downstream.cases import features
from nas.options.search import SearchOptions
from nas.search import search
from tests.nas.small_sets import italy

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Reads a page strictly: what is opened is closed in its order, and every id is there once.

    Attributes:
        tags: Every element with its attributes.
        words: Text outside of styles.
        heads: Texts of the headings of sections.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words, self.heads, self.open = "", [], []
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"
        ids = [given["id"] for _, given in self.tags if "id" in given]
        assert len(ids) == len(set(ids)), "an id is there twice"
        wanted = [given["href"][1:] for _, given in self.tags if (given.get("href") or "").startswith("#")]
        assert set(wanted) <= set(ids), "a link leads nowhere"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "h2":
            self.heads.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words += data
        if self.open[-1:] == ["h2"]:
            self.heads[-1] += data


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished search; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("report") / "italy"
    how = {"landmarks": 12, "top_k": 1, "iterations": 4, "candidates": 60, "engine": "serial", "svm": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "find_spec", lambda name: None)  # MiniRocket would be compiled, half a minute
        search(SearchOptions(data=str(italy()), output=str(folder), quiet=True, **how))  # type: ignore[arg-type]
    return folder
