"""The command line: what reaches the functions, what the user sees of a mistake, and the exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from downstream.errors import DataError
from nas.cli import program as cli
from nas.cli.commands import COMMANDS, Command
from nas.errors import NothingTrainedError, OutputExistsError
from nas.options.search import SearchOptions
from nas.options.seeding import SeedsOptions
from search_space.registry import UnknownOptionError

ROOT = Path(cli.__file__).resolve().parents[2]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Replace what a verb runs; return the list of option sets that it was called with."""

    def replace(effect: BaseException | str = "the answer") -> list[Any]:
        calls: list[Any] = []

        def call(options: Any) -> types.SimpleNamespace:
            calls.append(options)
            if isinstance(effect, BaseException):
                raise effect
            return types.SimpleNamespace(text=effect)

        monkeypatch.setattr(Command, "load", lambda self, **_: call)
        return calls

    return replace


def test_options_reach_the_function_and_its_text_is_printed(
    stand_in: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    calls = stand_in()
    status = cli.main(["search", "d.csv", "--horizons", "24, 48", "--top-k=3", "--time-budget", "1.5m", "--quiet"])
    assert status == 0 and capsys.readouterr().out == "the answer\n"
    (options,) = calls
    assert (options.data, options.horizons, options.top_k, options.time_budget) == ("d.csv", (24, 48), 3, 90.0)
    assert options.quiet is True and options.overwrite is False and options.candidates == 20_000


def test_flags_override_the_config_file_which_overrides_defaults(
    stand_in: Callable[..., list[Any]], tmp_path: Path
) -> None:
    calls = stand_in()
    config = tmp_path / "c.yaml"
    config.write_text(
        "data: d.csv\ntop-k: 7\niterations: 9\nhorizons: [24, 48]\ntarget: OT\n"
        "time_budget: 2h\noverwrite: true\nbank:\n",
        encoding="utf-8",
    )
    assert cli.main(["search", "--config", str(config), "--top-k", "2", "--no-overwrite"]) == 0
    assert calls == [
        SearchOptions("d.csv", top_k=2, iterations=9, horizons=(24, 48), target=("OT",), time_budget=7200.0)
    ]


@pytest.mark.parametrize(
    "options", [SearchOptions("d", horizons=(1, 2), rng_seed=3), SeedsOptions("m", time_limit=None)]
)
def test_saved_options_are_a_config_file(
    stand_in: Callable[..., list[Any]], tmp_path: Path, options: SearchOptions | SeedsOptions
) -> None:
    calls = stand_in()
    config = tmp_path / "options.json"
    config.write_text(json.dumps(options.as_dict()), encoding="utf-8")
    verb = next(command.name for command in COMMANDS if command.options is type(options))
    assert cli.main([verb, "--config", str(config)]) == 0
    assert calls == [options]


@pytest.mark.parametrize(
    ("effect", "status", "sentence"),
    [
        (UnknownOptionError("unknown preset 'x'"), 2, "unknown preset 'x'"),
        (OutputExistsError("runs/a exists"), 2, "runs/a exists"),
        (DataError("d.csv: no rows"), 3, "d.csv: no rows"),
        (type("NarrowerError", (DataError,), {"__module__": "downstream.data.csv"})("narrower"), 3, "narrower"),
        (FileNotFoundError(2, "No such file or directory", "d.csv"), 3, "d.csv: No such file or directory"),
        (NothingTrainedError("all 4 ran out of memory"), 4, "all 4 ran out of memory"),
        (KeyboardInterrupt(), 130, "interrupted; finished trials are saved, and the same command goes on from there"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_status(
    stand_in: Callable[..., list[Any]],
    capsys: pytest.CaptureFixture[str],
    effect: BaseException,
    status: int,
    sentence: str,
) -> None:
    stand_in(effect)
    assert cli.main(["search", "d.csv"]) == status
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"tscnas: error: {sentence}\n")


def test_an_interrupted_verb_that_cannot_go_on_does_not_promise_it(
    stand_in: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(KeyboardInterrupt())
    assert cli.main(["embed", "run", "d.csv"]) == 130
    assert capsys.readouterr().err == "tscnas: error: interrupted\n"


@pytest.mark.parametrize("defect", [ValueError("ours"), OSError("no file in it"), KeyError("x")])
def test_a_defect_of_ours_keeps_its_traceback(stand_in: Callable[..., list[Any]], defect: Exception) -> None:
    stand_in(defect)
    with pytest.raises(type(defect)):
        cli.main(["search", "d.csv"])


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ("COMMAND",)),
        (["serch"], ("invalid choice: 'serch'", "'search'")),
        (["search"], ("missing: DATA",)),
        (["search", "d.csv", "--canidates", "3"], ("unknown argument --canidates", "did you mean --candidates?")),
        (["search", "d.csv", "--top", "3"], ("unknown argument --top",)),
        (["search", "d.csv", "--horizons", "24,x"], ("--horizons", "must be a whole number, got 'x'")),
        (["search", "d.csv", "--time-budget", "soon"], ("must be a duration such as 90, 90s", "'soon'")),
        (["search", "d.csv", "--top-k", "0", "--window", "1"], ("top-k: must be >= 1, got 0", "window: must be >= 2")),
        (["search", "d.csv", "--task", "clustering"], ("task: must be one of forecasting,", "'clustering'")),
        (["search", "d.csv", "--preset", "ts2vec", "--genotype", "g.json"], ("preset and genotype",)),
        (["search", "d.csv", "--preset", "ts2vek"], ("unknown preset 'ts2vek'", "did you mean 'ts2vec'?")),
        (["search", "d.csv", "--time-budget", "0"], ("time-budget: must be > 0",)),
        (["seeds", "m.yaml", "--repeats", "1.5"], ("repeats: must be <= 1",)),
        (["embed", "run", "d.csv", "--output", "e.pkl"], ("output: must end in .npz, .csv or .parquet",)),
    ],
)
def test_wrong_usage_says_what_is_wrong(
    stand_in: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str], words: list[str], parts: tuple[str, ...]
) -> None:
    calls = stand_in()
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("tscnas: error: ") and all(part in error for part in parts), error
    assert calls == []


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("topk: 3\n", ("unknown setting 'topk'; did you mean top_k?",)),
        ("top_k: [1, 2]\n", ("top_k: must be a single value",)),
        ("top_k: true\n", ("top_k: must be no truth value",)),
        ("quiet: 1\n", ("quiet: must be true or false, got 1",)),
        ("iterations: many\n", ("iterations: must be a whole number, got 'many'",)),
        ("- 1\n", ("must hold `name: value` lines, got a list",)),
        ("a: [\n", ("cannot be read",)),
        ("top_k: x\nwindow: y\n", ("top_k", "window")),
        ("top_k: 1\nwindow: 9\ntop_k: 2\n", ("line 3: 'top_k' is given already in line 1",)),
        ('{"top_k": 1,\n "top_k": 1}', ("line 2: 'top_k' is given already in line 1",)),
        ("top_k: 1\ntop-k: 2\n", ("top-k: is given twice",)),
    ],
)
def test_a_wrong_config_file_says_where(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, parts: tuple[str, ...]
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(content, encoding="utf-8")
    assert cli.main(["search", "d.csv", "--config", str(config)]) == 2
    error = capsys.readouterr().err
    assert f"config {config}" in error and all(part in error for part in parts), error


def test_a_missing_config_file_is_wrong_usage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["search", "d.csv", "--config", str(tmp_path / "none.yaml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_verb_leads_to_a_function_and_explains_itself(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(command.load())
    assert cli.main([command.name, "--help"]) == 0
    text = capsys.readouterr().out
    assert command.summary.split(",")[0][:40] in text
    assert all(example in text for example in command.examples)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_example_in_the_help_is_understood(
    command: Command, stand_in: Callable[..., list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = stand_in()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "options.yaml").write_text("data: d.csv\n", encoding="utf-8")
    (tmp_path / "space.yaml").write_text("EncoderCell: {blocks: [1]}\n", encoding="utf-8")
    for example in command.examples:
        assert cli.main(example.split(" > ")[0].split()[1:]) == 0, example
    assert {type(options) for options in calls} == {command.options}


def test_termination_counts_as_an_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def call(options: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Command, "load", lambda self, **_: call)
    assert cli.main(["search", "d.csv"]) == 130
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_reader_that_leaves_is_no_error() -> None:
    code = """
import sys, types
from nas.cli import program as cli
from nas.cli.commands import Command
Command.load = lambda self, **_: lambda options: types.SimpleNamespace(text="line\\n" * 100_000)
sys.exit(cli.main(["space"]))
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "{sys.executable}" -c "$CODE" | head -n 1'],
        env={**env, "CODE": code},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "line\n", "")


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "import sys; from nas.cli import main; sys.exit(main(['--help']))"],
        ["scripts/zero_shot_search.py", "--help"],
        ["scripts/generate_seeds.py", "--help"],
        ["scripts/train_ahc.py", "--help"],
    ],
    ids=lambda words: words[0],
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and done.stdout.startswith("usage: tscnas")
    imported = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "argparse" in imported
    assert not imported & {"torch", "numpy", "pandas", "yaml", "matplotlib", "multiprocessing", "search_space"}


def test_an_endless_size_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["search", "data.csv", "--memory-limit", "1e999GB"]) == 2
    assert "memory-limit: must be a size in bytes" in capsys.readouterr().err
