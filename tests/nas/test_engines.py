"""Engines: what a job does to itself reaches its own result and nothing else."""

from __future__ import annotations

import importlib
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from nas.engines import ENGINES, Job, Result, run_candidates
from nas.engines import process as process_engine

JOBS = """
import os, pathlib, signal, threading, time

def double(x):
    return 2 * x

def wait(seconds, value=None):
    time.sleep(seconds)
    return value

def fail(text):
    raise ValueError(text)

def die(number):
    os.kill(os.getpid(), number)

def die_once(path):
    marker = pathlib.Path(path)
    if not marker.exists():
        marker.touch()
        os._exit(3)
    return "second"

def take(n_bytes):
    return len(bytearray(n_bytes))

def torch_oom(): raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

def facts():
    import torch
    return {"threads": torch.get_num_threads(), "OMP": os.environ["OMP_NUM_THREADS"], "pid": os.getpid(),
            "main": __import__("sys").modules["__main__"].__dict__.get("MARK"),
            "on_interrupt": signal.getsignal(signal.SIGINT) == signal.SIG_IGN}

def large(n): return b"x" * n

def unpicklable(): return lambda: None

def lingering():
    threading.Thread(target=time.sleep, args=(60,)).start()
    return 1
"""


@pytest.fixture(autouse=True)
def small_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Preload little: these jobs need no product code."""
    monkeypatch.setattr(process_engine, "PRELOAD", ("torch",))


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """A module of job functions that workers can import: for all tests, as a Ray worker keeps its path."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "engine_jobs.py").write_text(JOBS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder))  # Ray's workers inherit it
        yield importlib.import_module("engine_jobs")
    del sys.modules["engine_jobs"]


def one(job: Job, **options: object) -> Result:
    (result,) = run_candidates([job], workers=1, **options)  # type: ignore[arg-type]
    return result


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_values_come_back_under_their_ids(jobs: ModuleType, engine: str) -> None:
    work = [Job(str(x), jobs.double, {"x": x}) for x in range(5)]
    results = {r.id: r for r in run_candidates(work, engine=engine, workers=2)}
    assert {name: r.value for name, r in results.items()} == {str(x): 2 * x for x in range(5)}
    assert {r.status for r in results.values()} == {"completed"} and {r.error for r in results.values()} == {""}


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_an_exception_is_a_result_with_its_last_line(jobs: ModuleType, engine: str) -> None:
    result = one(Job("a", jobs.fail, {"text": "first\nthe reason"}), engine=engine)
    assert (result.status, result.value, result.error) == ("crashed", None, "the reason")
    assert "in fail" in result.details and result.attempts == 2


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_time_limit(jobs: ModuleType, engine: str) -> None:
    work = [Job("slow", jobs.wait, {"seconds": 60}), Job("quick", jobs.wait, {"seconds": 0, "value": 1})]
    start = time.monotonic()
    results = {r.id: r for r in run_candidates(work, engine=engine, workers=2, time_limit=2.0)}
    assert results["slow"].status == "timeout" and results["slow"].error == "stopped after 2 s (time limit)"
    assert 2.0 <= results["slow"].seconds < 8.0 and time.monotonic() - start < 20.0
    assert results["quick"].value == 1


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_memory_limit(jobs: ModuleType, engine: str) -> None:
    limit = 2**28
    work = [Job("small", jobs.take, {"n_bytes": limit // 4}), Job("large", jobs.take, {"n_bytes": 2 * limit})]
    results = {r.id: r for r in run_candidates(work, engine=engine, workers=1, memory_limit=limit)}
    assert results["small"].value == limit // 4
    assert results["large"].status == "out_of_memory" and results["large"].error == "MemoryError"
    assert len(bytearray(2 * limit)) == 2 * limit  # the caller itself is not limited afterwards


def test_torch_s_failed_allocation_counts_as_out_of_memory(jobs: ModuleType) -> None:
    assert one(Job("a", jobs.torch_oom), engine="serial").status == "out_of_memory"


def test_a_killed_process_takes_nothing_with_it(jobs: ModuleType) -> None:
    work = [
        Job("hog", jobs.die, {"number": signal.SIGKILL}),
        *(Job(str(x), jobs.wait, {"seconds": 0.1, "value": x}) for x in range(3)),
    ]
    results = {r.id: r for r in run_candidates(work, workers=2)}
    assert results["hog"].status == "crashed" and results["hog"].attempts == 2
    assert "killed by SIGKILL" in results["hog"].error
    assert [results[str(x)].value for x in range(3)] == [0, 1, 2]


def test_a_process_that_dies_once_is_started_again(jobs: ModuleType, tmp_path: Path) -> None:
    result = one(Job("a", jobs.die_once, {"path": str(tmp_path / "marker")}))
    assert (result.status, result.value, result.attempts) == ("completed", "second", 2)


def test_results_come_as_they_end(jobs: ModuleType) -> None:
    one(Job("warm", jobs.double, {"x": 1}))  # the server has started before the clocks do
    work = [Job("slow", jobs.wait, {"seconds": 1.0}), Job("quick", jobs.wait, {"seconds": 0.0})]
    assert [r.id for r in run_candidates(work, workers=2)] == ["quick", "slow"]
    assert [r.id for r in run_candidates(work, workers=1)] == ["slow", "quick"]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_jobs_are_drawn_when_a_worker_is_free(jobs: ModuleType, engine: str) -> None:
    done: list[str] = []

    def work() -> Iterator[Job]:
        for x in range(4):
            assert len(done) >= x - 1  # with one worker, all earlier ones but the last have been reported
            yield Job(str(x), jobs.double, {"x": x})

    for result in run_candidates(work(), engine=engine, workers=1):
        done.append(result.id)
    assert done == ["0", "1", "2", "3"]


def test_child_has_one_thread_ignores_ctrl_c_and_never_imports_main(
    jobs: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text("MARK = 1\nraise RuntimeError('imported again')\n", encoding="utf-8")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script))
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    value = one(Job("a", jobs.facts)).value
    assert value["threads"] == 1 and value["OMP"] == "1" and value["on_interrupt"] is True
    assert value["main"] is None and value["pid"] != os.getpid()


def test_a_value_larger_than_a_pipe_s_buffer_comes_whole(jobs: ModuleType) -> None:
    assert one(Job("a", jobs.large, {"n": 5_000_000})).value == b"x" * 5_000_000


def test_a_value_that_cannot_travel_is_a_crash_with_its_reason(jobs: ModuleType) -> None:
    result = one(Job("a", jobs.unpicklable))
    assert result.status == "crashed" and "pickle" in result.error.lower()


def test_a_thread_left_behind_does_not_hold_the_engine_up(jobs: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_engine, "_GRACE", 0.2)
    assert one(Job("a", jobs.lingering)).value == 1


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
from nas.engines import Job, run_candidates, process
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
        JOBS + "\ndef tell(path):\n    pathlib.Path(path).write_text(str(os.getpid()))\n    time.sleep(60)\n",
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


def test_wrong_arguments_are_refused(jobs: ModuleType) -> None:
    with pytest.raises(ValueError, match="engine must be one of"):
        run_candidates([], engine="threads", workers=1)
    with pytest.raises(ValueError, match="workers must be >= 1, got 0"):
        run_candidates([], workers=0)
    with pytest.raises(ValueError, match="time_limit must be > 0"):
        run_candidates([], workers=1, time_limit=math.nan)
    with pytest.raises(ValueError, match="memory_limit must be > 0"):
        run_candidates([], workers=1, memory_limit=0)


def test_a_function_of_main_is_refused(jobs: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.double, "__module__", "__main__")
    with pytest.raises(ValueError, match="importable module"):
        one(Job("a", jobs.double, {"x": 1}))


def test_serial_time_limit_needs_the_main_thread(jobs: ModuleType) -> None:
    caught: list[BaseException] = []

    def call() -> None:
        try:
            one(Job("a", jobs.double, {"x": 1}), engine="serial", time_limit=1.0)
        except ValueError as error:
            caught.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])
