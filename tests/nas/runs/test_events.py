"""What a run writes while it goes on: `metrics.jsonl` and `log.txt`."""

from __future__ import annotations

import logging
import re
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from nas.errors import OutputExistsError
from nas.runs.folder import RunFolder
from nas.runs.lines import read_json_lines
from nas.runs.log import RunLog, warnings_heard
from nas.trials.trial import TrialPlan
from tests.nas.trial_records import GENOTYPE, record

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (INFO|WARNING|ERROR) \S.*")
CONFIG = {"data": "d.csv", "workers": 2, "preset": "simclr"}


def events_of(folder: Path) -> list[dict[str, Any]]:
    return list(read_json_lines(folder / "metrics.jsonl"))


def test_a_run_tells_its_stages_rounds_and_trials_as_they_happen(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, config=CONFIG)
    plan = TrialPlan(GENOTYPE, 4, 0, "search")
    with folder.locked():
        folder.events.stage("rank candidates")
        assert not (tmp_path / "metrics.jsonl").exists()  # the folder may still turn out to be another's
        folder.start()
        folder.events.begin(CONFIG)
        folder.events.round("first", n_trials=2, n_known=1, workers=2)
        assert [one["event"] for one in events_of(tmp_path)] == ["run", "stage", "round"]
        folder.events.started(plan.id, name="first", key=GENOTYPE.key, iterations=4, worker=1)
        assert events_of(tmp_path)[-1] | {"time": ""} == {
            "time": "",
            "event": "trial started",
            "round": "first",
            "trial": plan.id,
            "key": GENOTYPE.key,
            "iterations": 4,
            "worker": 1,
        }
        folder.events.finished(record(), name="first")
    run, stage, round_, _, *points, trial, end = events_of(tmp_path)
    assert (run["schema"], run["resumed"], run["workers"], run["data"]) == (1, False, 2, "d.csv")
    assert stage["stage"] == "rank candidates" and run["time"] == stage["time"] <= round_["time"]
    assert (round_["trials"], round_["known"]) == (2, 1)
    assert [(point["iteration"], point["validation"], point["loss"]) for point in points] == [
        (0, 0.5, None),
        (1, 0.75, 2.5),
    ]
    assert (trial["trial"], trial["status"], trial["validation"], trial["seconds"]) == (
        plan.id,
        "completed",
        0.75,
        1.235,
    )
    assert end["status"] == "finished"


@pytest.mark.parametrize(
    ("error", "status", "level"),
    [(KeyboardInterrupt(), "interrupted", "WARNING"), (OSError(28, "No\nspace"), "failed", "ERROR")],
)
def test_a_run_says_how_it_ended_and_a_resumed_one_adds_to_the_same_files(
    error: BaseException, status: str, level: str, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path, config={})
    with pytest.raises(type(error)), folder.locked():
        folder.start()
        folder.events.begin(CONFIG)
        raise error
    again = RunFolder(tmp_path, config={})
    with again.locked():
        again.start()
        again.events.begin({})
    told = events_of(tmp_path)
    assert [one["event"] for one in told] == ["run", "end", "run", "end"]
    assert [told[1]["status"], told[2]["resumed"], told[3]["status"]] == [status, True, "finished"]
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert len(lines) == 4 and all(LINE.fullmatch(line) for line in lines)
    assert f" {level} {status}" in lines[1]


def test_a_failed_trial_is_a_warning_with_its_reason_on_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(tmp_path, config={})
    failed = record(status="crashed", score=None, curve=(), details={"message": "no\x1b[31m\nway"})
    with folder.locked():
        folder.start()
        folder.events.begin(CONFIG)
        folder.events.finished(failed, name="first")
    line = (tmp_path / "log.txt").read_text().splitlines()[1]
    assert " WARNING first: " in line and line.endswith("crashed, no score, 1.2 s: no\\x1b[31m\\nway")
    assert events_of(tmp_path)[1]["message"] == "no\x1b[31m\nway"
    assert capfd.readouterr() == ("", "")


def test_starting_anew_removes_what_the_earlier_run_told(tmp_path: Path) -> None:
    for resumed in (False, True):
        folder = RunFolder(tmp_path, config={"data": str(resumed)}, overwrite=True)
        with folder.locked():
            folder.start()
            folder.events.begin(CONFIG)
        assert [one["event"] for one in events_of(tmp_path)] == ["run", "end"]
        assert events_of(tmp_path)[0]["resumed"] is False


def test_a_folder_that_is_refused_or_ends_early_gets_no_log(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError), RunFolder(tmp_path, config={}).locked():
        pytest.fail("the folder is another's")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_two_runs_in_one_process_keep_apart_and_the_program_may_listen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RunLog(tmp_path / "a") as a, RunLog(tmp_path / "b") as b:
        a.write(logging.INFO, "to a")
        b.write(logging.WARNING, "to b")
    logging.getLogger("nas.run").warning("of nobody")
    assert (tmp_path / "a").read_text().split(" ", 1)[1] == "INFO to a\n"
    assert (tmp_path / "b").read_text().split(" ", 1)[1] == "WARNING to b\n"
    assert [one.getMessage() for one in caplog.records] == ["to a", "to b", "of nobody"]


def test_the_time_of_a_line_is_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        with RunLog(tmp_path / "log") as log:
            before = time.strftime("%Y-%m-%dT%H", time.gmtime())
            log.write(logging.INFO, "x")
        assert (tmp_path / "log").read_text().startswith((before, time.strftime("%Y-%m-%dT%H", time.gmtime())))
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_log_that_cannot_be_written_is_no_silence(tmp_path: Path) -> None:
    with RunLog("/dev/full") as log, pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        log.write(logging.INFO, "x")


class ForTheUser(UserWarning):
    """Stands for a warning of ours."""


def test_what_the_user_was_warned_of_is_logged_once_also_from_before_the_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, config=CONFIG)
    heard: list[str] = []
    with pytest.warns(ForTheUser), warnings_heard(heard.append):
        warnings.warn(ForTheUser("gaps in time"), stacklevel=1)
    assert heard == ["gaps in time"]
    with folder.locked():
        for message in heard:
            folder.events.warned(message)
        folder.start()
        folder.events.begin(CONFIG)
        with pytest.warns(ForTheUser), warnings_heard(folder.events.warned):
            for _ in range(2):
                warnings.warn(ForTheUser("unknown option"), stacklevel=1)
            warnings.warn(ForTheUser("gaps in time"), stacklevel=1)
    told = [one["message"] for one in events_of(tmp_path) if one["event"] == "warning"]
    assert told == ["gaps in time", "unknown option"]
    log = (tmp_path / "log.txt").read_text()
    assert log.count("WARNING gaps in time") == 1 and log.count("WARNING unknown option") == 1
