"""What Ctrl-C, a kill and a caller who leaves do to jobs that run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

from nas.engines.available import process as process_engine
from nas.engines.job import Job
from nas.engines.run import run_candidates


def test_the_first_ctrl_c_lets_what_runs_come_to_its_end(jobs: ModuleType, tmp_path: Path) -> None:
    work = [Job(str(x), jobs.tell_and_wait, {"folder": str(tmp_path), "value": x}) for x in range(6)]
    before, values = signal.getsignal(signal.SIGINT), []

    def interrupt_when_two_run() -> None:
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt_when_two_run, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        for result in run_candidates(work, workers=2):
            values.append(result.value)
    assert sorted(values) == [0, 1] and signal.getsignal(signal.SIGINT) is before


def test_leaving_the_loop_kills_what_still_runs(jobs: ModuleType) -> None:
    work = [Job("quick", jobs.facts), *(Job(str(x), jobs.wait, {"seconds": 60}) for x in range(2))]
    start = time.monotonic()
    results = run_candidates(work, workers=3)
    pid = next(results).value["pid"]
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 20.0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


SCRIPT = """
import os, sys, threading, time, signal
sys.path.insert(0, {folder!r})
import engine_jobs
from nas.engines.job import Job
from nas.engines.run import run_candidates
from nas.engines.available import process
process.PRELOAD = ()
try:
    jobs = [Job("a", engine_jobs.wait, {{"seconds": 0}}), Job("b", engine_jobs.tell, {{"path": {pid!r}}})]
    for result in run_candidates(jobs, workers=2):
        print(result.id, result.status, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_children_end_with_an_interrupted_or_killed_caller(number: signal.Signals, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    (tmp_path / "engine_jobs.py").write_text(
        "import os, pathlib, time\n\ndef wait(seconds):\n    time.sleep(seconds)\n\n"
        "def tell(path):\n    pathlib.Path(path).write_text(str(os.getpid()))\n    time.sleep(60)\n",
        encoding="utf-8",
    )
    script = tmp_path / "run.py"  # without a guard, on purpose
    script.write_text(SCRIPT.format(folder=str(tmp_path), pid=str(pid_file)), encoding="utf-8")
    root = str(Path(process_engine.__file__).parents[2])
    caller = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        start_new_session=True,
        # a job started in the background of a shell ignores Ctrl-C, and its children would too
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    child = int(_wait_for(pid_file))
    if number == signal.SIGINT:
        for _ in range(2):  # the second one stops what the first lets finish
            os.killpg(caller.pid, number)  # as a terminal does: everybody gets it
            time.sleep(0.5)
    else:
        caller.send_signal(number)
    out, err = caller.communicate(timeout=20)
    assert err.count("\n") == (2 if number == signal.SIGINT else 0)  # what a first Ctrl-C does, in a line
    assert "a completed" in out and (number == signal.SIGKILL or "interrupted" in out)
    assert _is_gone(child)


def _wait_for(path: Path) -> str:
    limit = time.monotonic() + 30.0
    while time.monotonic() < limit:
        if path.exists() and path.read_text(encoding="utf-8"):
            time.sleep(0.5)  # the other job's answer has arrived by then
            return path.read_text(encoding="utf-8")
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")


def _is_gone(pid: int) -> bool:
    limit = time.monotonic() + 10.0
    while time.monotonic() < limit:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
