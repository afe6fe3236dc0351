"""What a command prints arrives on every console, and a reader that leaves is no error."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from downstream.data.options import TABLES as KNOWN_TABLES
from downstream.errors import DataWarning
from nas.cli import main
from nas.cli.console import console, show
from nas.options.texts import TABLES

NAMES = "Wärme, \udce4, 温度"


def test_what_a_console_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, line in (
        ("ascii", rb"W\xe4rme, \udce4, \u6e29\u5ea6"),
        ("latin-1", b"W\xe4rme, \\udce4, \\u6e29\\u5ea6"),
        ("utf-8", "Wärme, \\udce4, 温度".encode()),
    ):
        shown = io.BytesIO()
        stream = io.TextIOWrapper(shown, encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["search", "d.csv"], call=lambda options: SimpleNamespace(text=NAMES)) == 0
        assert shown.getvalue().split(b"\n")[0] == line
        assert stream.errors == "strict"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_console_is_not_needed(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, stream, None)
    assert main(["search", "d.csv"], call=lambda options: SimpleNamespace(text=NAMES)) == 0
    assert main(["search", "d.csv", "--top-k", "x"]) == 2


def test_a_reader_that_has_left_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as left, console():
        show("text")
    assert left.value.code == 0
    stream.close()


def test_a_pipe_that_breaks_in_the_work_is_not_taken_for_a_reader_that_left() -> None:
    def lose_a_worker(options: object) -> object:
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        main(["search", "d.csv"], call=lose_a_worker)


def test_help_for_a_reader_that_has_left_leaves_in_silence() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code = "import sys; from nas.cli import main; sys.exit(main(['search', '--help']))"
    home = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, cwd=home, check=False)
    os.close(writing)
    assert (run.returncode, run.stderr) == (0, b"")


def test_a_warning_names_flags_as_errors_do(capsys: pytest.CaptureFixture[str]) -> None:
    def warn(options: object) -> SimpleNamespace:
        message = DataWarning("a.csv: pass table='cases' or no_header=True")
        return SimpleNamespace(text=warnings.formatwarning(message, DataWarning, "a.py", 1))

    assert main(["search", "a.csv"], call=warn) == 0
    assert capsys.readouterr().out == "tscnas: warning: a.csv: pass --table 'cases' or --no-header\n\n"


def test_the_command_line_knows_the_tables_that_are_read() -> None:
    assert TABLES == KNOWN_TABLES
