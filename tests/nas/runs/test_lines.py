"""JSON lines: whole lines, whatever a kill leaves."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from nas.runs.lines import LONGEST_LINE, JsonLines, read_json_lines


def test_lines_are_appended_and_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    for start in (0, 3):
        with JsonLines(path) as lines:
            for number in range(start, start + 3):
                lines.write({"n": number, "loss": float("nan"), "text": "a\nb"})
    assert list(read_json_lines(path)) == [{"n": n, "loss": None, "text": "a\nb"} for n in range(6)]
    assert path.read_text().count("\n") == 6


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_line_cut_off_by_a_kill_costs_that_line_alone(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"n": 0}\n' + '{"n": 1}\n'[: cut % 9])
    with JsonLines(path) as lines:
        lines.write({"n": 2})
    whole = cut % 9 == 8  # all but the line's end: the next writer gives it
    assert [line["n"] for line in read_json_lines(path)] == ([0, 1, 2] if whole else [0, 2])


def test_a_line_is_there_for_readers_at_once(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with JsonLines(path) as lines:
        lines.write({"n": 0})
        assert list(read_json_lines(path)) == [{"n": 0}]


def test_a_full_disk_is_told_and_the_next_line_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.jsonl"
    write = os.write

    def half(file: int, content: bytes) -> int:
        if len(content) < 6:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, content[:6])

    with JsonLines(path) as lines:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half)
            with pytest.raises(OSError, match=r"No space left on device: '.*m\.jsonl'"):
                lines.write({"n": 0})
        lines.write({"n": 1})
    assert list(read_json_lines(path)) == [{"n": 1}]


def test_what_is_no_line_of_ours_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    deep = b"[" * 50_000
    long = json.dumps({"n": "x" * LONGEST_LINE}).encode()
    path.write_bytes(b"\n".join([b'{"n": 0}', b"\xff\x00", b"[1]", b"null", deep, long, b'{"n": 1}', b'{"n": 2']))
    assert list(read_json_lines(path)) == [{"n": 0}, {"n": 1}]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "m.jsonl").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match=r"m\.jsonl"):
        JsonLines(tmp_path / "m.jsonl")
    assert (tmp_path / "mine").read_text() == "mine"
