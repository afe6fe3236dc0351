"""What a run that ended at a bad moment leaves, and what is written although the disk fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nas.cli.program import DATA, status_of
from nas.errors import OutputExistsError
from nas.runs.folder import RunFolder
from nas.runs.whole_file import write_whole


@pytest.mark.parametrize("left", [("driver.lock",), ("config.json.partial", "driver.lock"), ("trials/",)])
def test_a_run_that_ended_before_its_question_was_written_may_begin_again(
    left: tuple[str, ...], tmp_path: Path
) -> None:
    for name in left:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    folder = RunFolder(tmp_path, config={"data": "x"})
    folder.start()
    with pytest.raises(OutputExistsError, match="data differ"):
        RunFolder(tmp_path, config={"data": "y"})


@pytest.mark.parametrize("other", ["bank.sqlite", "trials/weights.safetensors", "notes.txt"])
def test_what_may_be_somebody_s_own_is_never_taken_for_a_run(other: str, tmp_path: Path) -> None:
    (tmp_path / other).parent.mkdir(exist_ok=True)
    (tmp_path / other).touch()
    with pytest.raises(OutputExistsError, match="holds other files"):
        RunFolder(tmp_path, config={}, overwrite=True)


def test_how_a_run_is_carried_out_and_options_it_did_not_know_are_no_other_question(tmp_path: Path) -> None:
    RunFolder(tmp_path, config={"data": "x", "workers": 2, "memory_limit": 5}).start()
    RunFolder(tmp_path, config={"data": "x", "workers": 9, "memory_limit": None, "new_option": None})
    with pytest.raises(OutputExistsError):
        RunFolder(tmp_path, config={"data": "y", "workers": 2, "memory_limit": 5})


def test_a_failed_write_names_the_file_and_leaves_the_earlier_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "answer.txt"
    write_whole(path, b"first")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"No space left on device: '.*answer\.txt'") as caught:
        write_whole(path, b"second")
    assert status_of(caught.value) == DATA and status_of(OSError(errno.ENOSPC, "full")) == DATA
    assert path.read_bytes() == b"first" and list(tmp_path.iterdir()) == [path]


def test_starting_anew_leaves_no_journal_of_the_old_bank(tmp_path: Path) -> None:
    old = RunFolder(tmp_path / "run", config={"iterations": 1})
    old.start()
    endings = ("", "-wal", "-shm", "-journal")
    for ending in endings:
        old.bank.with_name(old.bank.name + ending).write_bytes(b"old")
    RunFolder(tmp_path / "run", config={"iterations": 2}, overwrite=True).start()
    assert not [ending for ending in endings if old.bank.with_name(old.bank.name + ending).exists()]
