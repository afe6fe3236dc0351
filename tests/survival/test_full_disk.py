"""A disk that fills: one sentence, status 3, and after making room the same command goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def engine() -> str:
    """The driver alone writes, so one engine tells for all."""
    return "process"


@pytest.mark.survive
def test_a_limit_on_the_size_of_files(runs: Any, undisturbed: Any) -> None:
    status, err = runs.run(runs.words("seeds"), file_size=90_000)
    assert status == 3 and "Traceback" not in err and "bank.sqlite" in err, err
    assert runs.records().items() <= undisturbed.records().items()
    status, err = runs.run(runs.words("seeds"))
    assert status == 0 and runs.records() == undisturbed.records(), err


@pytest.mark.survive
def test_weights_that_do_not_fit_are_not_the_candidate_s_fault(runs: Any) -> None:
    words = [word for word in runs.words("search") if "comparator" not in word]
    status, err = runs.run(words, file_size=600_000)
    assert status == 3 and "Traceback" not in err and "trials" in err and "File too large" in err, err
    assert {one[0] for one in runs.records("run/bank.sqlite").values()} <= {"completed"}
    status, err = runs.run(words)
    assert status == 0, err
    assert {one[0] for one in runs.records("run/bank.sqlite").values()} == {"completed"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], check=False)
    if made.returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.survive
def test_a_full_file_system(runs: Any, undisturbed: Any, small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(4_000_000))
    words = [word if word != "bank.sqlite" else str(small_disk / word) for word in runs.words("seeds")]
    status, err = runs.run(words)
    assert status == 3 and "Traceback" not in err and "full" in err, err
    filler.unlink()
    status, err = runs.run(words)
    assert status == 0, err
    assert runs.records(str(small_disk / "bank.sqlite")) == undisturbed.records()
