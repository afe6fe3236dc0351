"""Progress is told where somebody can hear it, and is no reason to stop where nobody can."""

from __future__ import annotations

import io
import os
import sys

import pytest

from nas.runs.progress import Progress


def count(n: int) -> None:
    with Progress(total=n, name="trials") as progress:
        for number in range(n):
            progress.advance(str(number))


def test_plain_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    count(3)
    assert capsys.readouterr().err.splitlines()[-1].startswith("trials: 3/3, about 0 s left; 2")


def closed() -> io.TextIOWrapper:
    stream = io.TextIOWrapper(io.BytesIO())
    stream.close()
    return stream


def without_a_reader() -> io.TextIOWrapper:
    reading, writing = os.pipe()
    os.close(reading)
    return io.TextIOWrapper(io.FileIO(writing, "w"), write_through=True)


@pytest.mark.parametrize("stream", [None, closed, without_a_reader])
def test_work_goes_on_where_nobody_hears(stream: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream() if callable(stream) else stream)
    count(3)
