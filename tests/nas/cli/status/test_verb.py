"""`tscnas status` as a user meets it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ahc.bank import Bank
from nas.cli import program as cli
from nas.cli.status import verb
from nas.runs.folder import RunFolder
from nas.runs.lock import bank_lock
from nas.trials.trial import TrialPlan
from search_space.presets import preset
from tests.nas.trial_records import ROUND, record

PLANS = [TrialPlan(preset(name), 4, 0, "search") for name in ("simclr", "ts2vec", "simclr")]


def begun(folder: RunFolder) -> None:
    folder.start()
    folder.events.begin({"data": "d.csv"})
    folder.events.stage("train candidates")
    folder.events.round(ROUND, n_trials=len(PLANS), n_known=0, workers=2)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run", config={"data": "d.csv"})


def shown(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, Any]]:
    """Return what is printed without and with `--json`."""
    assert cli.main(["status", str(path)]) == 0
    text = capsys.readouterr().out
    assert cli.main(["status", str(path), "--json"]) == 0
    return text, json.loads(capsys.readouterr().out)


def test_a_run_at_work(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    with folder.locked():
        begun(folder)
        folder.events.finished(record(), name=ROUND)
        text, facts = shown(folder.path, capsys)
    head, stage, trials, best, elapsed, left = text.splitlines()
    assert head.startswith(f"{folder.path}: running (process {os.getpid()} on host ")
    assert stage == f"stage:   train candidates ({ROUND})"
    assert trials == "trials:  1 done, 0 running, 2 waiting"
    assert best.endswith("validation accuracy 0.7500 (higher is better) at iteration 1 of 4")
    assert elapsed.startswith("elapsed: ") and left.startswith("left:    about ")
    assert (facts["status"], facts["trials"], facts["waiting"]) == ("running", {"completed": 1}, 2)
    assert facts["best"]["validation"] == 0.75 and facts["driver"]["pid"] == os.getpid()
    assert facts["seconds_left_in_round"] == pytest.approx(1.235)


def test_the_time_left_says_how_it_is_known(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    with folder.locked():
        folder.start()
        folder.events.begin({"time_budget": 90.0})
        assert "left:    not known at this stage; at most 1 min " in shown(folder.path, capsys)[0]
        folder.events.round(ROUND, n_trials=len(PLANS), n_known=0, workers=2)
        assert "left:    not known before a trial has ended; at most " in shown(folder.path, capsys)[0]
        folder.events.finished(record(), name=ROUND)
        text, facts = shown(folder.path, capsys)
        assert "of this round, by the mean time of an optimiser step so far, 2 at a time; at most 1 min " in text
        assert 60.0 < facts["most_seconds_left"] < 90.0


def ended(folder: RunFolder, how: BaseException | None, *, answered: bool) -> None:
    try:
        with folder.locked():
            begun(folder)
            if answered:
                folder.write_json("run.json", {})
            if how is not None:
                raise how
    except (KeyboardInterrupt, OSError):
        pass


@pytest.mark.parametrize(
    ("how", "answered", "status", "sentence"),
    [
        (None, True, "finished", "finished"),
        (KeyboardInterrupt(), False, "interrupted", "the same command goes on from there"),
        (OSError("the disk\x1b[2J"), False, "failed", "reason:  OSError: the disk\\x1b[2J"),
    ],
)
def test_how_a_run_ended(
    how: BaseException | None,
    answered: bool,
    status: str,
    sentence: str,
    folder: RunFolder,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended(folder, how, answered=answered)
    text, facts = shown(folder.path, capsys)
    assert facts["status"] == status and sentence in text and "running" not in text
    assert facts["running"] == facts["waiting"] == 0 and facts["seconds_left_in_round"] is None


def test_a_killed_run_a_resumed_one_and_one_that_was_never_begun(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.start()
    assert shown(folder.path, capsys)[1]["status"] == "not begun"
    begun(folder)  # and no more: as after a kill
    assert shown(folder.path, capsys)[1]["status"] == "killed"
    with RunFolder(folder.path, config={"data": "d.csv"}).locked():
        metrics = folder.path / "metrics.jsonl"
        metrics.write_text(metrics.read_text().replace(f'"pid": {os.getpid()}', '"pid": 1'))
        assert shown(folder.path, capsys)[1]["status"] == "starting"


def test_a_run_of_an_earlier_version_has_no_metrics(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.start()
    folder.write_json("run.json", {})
    text, facts = shown(folder.path, capsys)
    assert facts["status"] == "finished" and "an earlier version" in text


@pytest.mark.parametrize("name", ["none", "empty", "estimator"])
def test_what_is_no_run_is_said_in_one_sentence(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if name != "none":
        (tmp_path / name).mkdir()
    if name == "estimator":
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "estimator.json").write_text("{}")
    assert cli.main(["status", str(tmp_path / name)]) == 3
    error = capsys.readouterr().err
    assert error.startswith("tscnas: error: ") and name in error and error.count("\n") == 1


def test_a_bank_and_a_file_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bank.sqlite"
    with bank_lock(path), Bank(path) as bank:
        bank.add(record())
        bank.add(record(rng_seed=1, status="crashed", score=None, curve=()))
        text, facts = shown(path, capsys)
        assert f"process {os.getpid()} on host" in text and "2 on 1 task (1 completed, 1 crashed)" in text
    text, facts = shown(path, capsys)
    assert facts["driver"] is None and facts["trials"] == {"completed": 1, "crashed": 1} and "nobody" in text
    (tmp_path / "notes.txt").write_text("no bank\n" * 100)
    assert cli.main(["status", str(tmp_path / "notes.txt")]) == 3
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[float]]:
    """Replace the wait between two looks by steps of a story; return the waits that were asked for."""

    def tell(*steps: Callable[[], object]) -> list[float]:
        waits: list[float] = []

        def wait(seconds: float) -> None:
            waits.append(seconds)
            steps[len(waits) - 1]()

        monkeypatch.setattr(verb, "time", type("clock", (), {"sleep": wait, "time": time.time}))
        return waits

    return tell


def test_watching_ends_with_the_run(
    folder: RunFolder, looks: Callable[..., list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    locked = folder.locked()
    locked.__enter__()
    begun(folder)
    waits = looks(
        lambda: None,  # nothing new: nothing is printed
        lambda: folder.events.finished(record(), name=ROUND),
        lambda: (folder.write_json("run.json", {}), locked.__exit__(None, None, None)),
    )
    assert cli.main(["status", str(folder.path), "--watch"]) == 0
    out = capsys.readouterr().out
    assert waits == [2.0, 2.0, 2.0]
    assert [line.split(": ")[1].split(" ")[0] for line in out.splitlines() if str(folder.path) in line][:3] == [
        "running",
        "running",
        "finished",
    ]
    assert "\x1b" not in out and cli.main(["status", str(folder.path), "--watch"]) == 0  # ended: at once


def test_ctrl_c_ends_watching_and_not_the_run(
    folder: RunFolder, looks: Callable[..., list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    with folder.locked():
        begun(folder)
        looks(press)
        assert cli.main(["status", str(folder.path), "--watch"]) == 130
        assert capsys.readouterr().err == "tscnas: error: interrupted\n"
        assert shown(folder.path, capsys)[1]["status"] == "running"


def test_programs_watch_lines_of_json(
    folder: RunFolder, looks: Callable[..., list[float]], capsys: pytest.CaptureFixture[str]
) -> None:
    locked = folder.locked()
    locked.__enter__()
    begun(folder)
    looks(lambda: None, lambda: locked.__exit__(None, None, None))
    assert cli.main(["status", str(folder.path), "--watch", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["status"] for line in lines] == ["running", "running", "killed"]


def test_on_a_terminal_each_look_takes_the_place_of_the_last(
    folder: RunFolder,
    looks: Callable[..., list[float]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    locked = folder.locked()
    locked.__enter__()
    begun(folder)
    looks(lambda: None, lambda: locked.__exit__(None, None, None))
    assert cli.main(["status", str(folder.path), "--watch"]) == 0
    first, second, last = capsys.readouterr().out.split("\x1b[6F\x1b[J")
    assert all(len(line) < 40 for line in (first + second).splitlines()) and first.count("\n") == 6
    assert "killed" in last
