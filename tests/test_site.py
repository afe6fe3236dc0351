"""The pages of the documentation are a site: all of them are in it, nothing in it leads nowhere, nothing is fetched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=HERE,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0 and "WARNING" not in built.stderr, built.stderr
    return folder


def test_it_is_built_without_warnings_and_holds_every_page(site: Path) -> None:
    # a page that is missing from the navigation is a warning, and so a failure
    pages = {page.relative_to(HERE / "docs").with_suffix("") for page in (HERE / "docs").rglob("*.md")}
    assert all((site / page / "index.html").is_file() for page in pages if page.name != "index")


def test_the_reference_holds_what_programs_may_rely_on(site: Path) -> None:
    text = (site / "api" / "index.html").read_text(encoding="utf-8")
    names = re.findall(r"^::: (\S+)$", (HERE / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) > 10 and all(f'id="{name}"' in text for name in names)


def test_nothing_is_fetched_by_who_reads_it(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', text)
    assert not loaded
