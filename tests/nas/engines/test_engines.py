"""Engines: what a job does to itself reaches its own result and nothing else."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from ahc.record import STATUSES
from nas.engines import _worker as worker
from nas.engines.job import Job, Result
from nas.engines.registry import ENGINE_NAMES
from nas.engines.run import run_candidates


def one(job: Job, **options: object) -> Result:
    (result,) = run_candidates([job], workers=1, **options)  # type: ignore[arg-type]
    return result


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_values_come_back_under_their_ids(jobs: ModuleType, engine: str) -> None:
    work = [Job(str(x), jobs.double, {"x": x}) for x in range(5)]
    results = {r.id: r for r in run_candidates(work, engine=engine, workers=2)}
    assert {name: r.value for name, r in results.items()} == {str(x): 2 * x for x in range(5)}
    assert {r.status for r in results.values()} == {"completed"} and {r.error for r in results.values()} == {""}


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_an_exception_is_a_result_with_its_last_line(jobs: ModuleType, engine: str) -> None:
    result = one(Job("a", jobs.fail, {"text": "first\nthe reason"}), engine=engine)
    assert (result.status, result.value, result.error) == ("crashed", None, "the reason")
    assert "in fail" in result.details and result.attempts == 2


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_time_limit(jobs: ModuleType, engine: str) -> None:
    work = [Job("slow", jobs.wait, {"seconds": 60}), Job("quick", jobs.wait, {"seconds": 0, "value": 1})]
    start = time.monotonic()
    results = {r.id: r for r in run_candidates(work, engine=engine, workers=2, time_limit=2.0)}
    assert results["slow"].status == "timeout" and results["slow"].error == "stopped after 2 s (time limit)"
    assert 2.0 <= results["slow"].seconds < 8.0 and time.monotonic() - start < 20.0
    assert results["quick"].value == 1


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_memory_limit(jobs: ModuleType, engine: str) -> None:
    limit = 2**28
    work = [Job("small", jobs.take, {"n_bytes": limit // 4}), Job("large", jobs.take, {"n_bytes": 2 * limit})]
    results = {r.id: r for r in run_candidates(work, engine=engine, workers=1, memory_limit=limit)}
    assert results["small"].value == limit // 4
    assert results["large"].status == "out_of_memory" and results["large"].error == "MemoryError"
    assert len(bytearray(2 * limit)) == 2 * limit  # the caller itself is not limited afterwards


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_only_a_crash_is_tried_again_and_a_value_brings_its_own_status(jobs: ModuleType, engine: str) -> None:
    work = [
        Job("diverged", jobs.raising, {"kind": "FloatingPointError"}),
        Job("out_of_memory", jobs.raising, {"kind": "MemoryError"}),
        Job("invalid", jobs.invalid),
        Job("crashed", jobs.raising, {"kind": "OSError"}),
        Job("timeout", jobs.with_status, {"status": "timeout"}),
        Job("completed", jobs.with_status, {"status": "some other word"}),
    ]
    results = {r.id: (r.status, r.attempts) for r in run_candidates(work, engine=engine, workers=1)}
    assert results == {name: (name, 2 if name == "crashed" else 1) for name in STATUSES}


def test_torch_s_failed_allocation_counts_as_out_of_memory(jobs: ModuleType) -> None:
    assert one(Job("a", jobs.torch_oom), engine="serial").status == "out_of_memory"


@pytest.mark.parametrize("engine", ["process", "ray"])
def test_a_killed_process_takes_nothing_with_it(jobs: ModuleType, engine: str) -> None:
    work = [
        Job("hog", jobs.die, {"number": signal.SIGKILL}),
        *(Job(str(x), jobs.wait, {"seconds": 0.1, "value": x}) for x in range(3)),
    ]
    results = {r.id: r for r in run_candidates(work, engine=engine, workers=2)}
    assert results["hog"].status == "crashed" and results["hog"].attempts == 2
    assert ("killed by SIGKILL" if engine == "process" else "WorkerCrashedError") in results["hog"].error
    assert [results[str(x)].value for x in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("engine", ["process", "ray"])
def test_a_process_that_dies_once_is_started_again(jobs: ModuleType, engine: str, tmp_path: Path) -> None:
    result = one(Job("a", jobs.die_once, {"path": str(tmp_path / "marker")}), engine=engine)
    assert (result.status, result.value, result.attempts) == ("completed", "second", 2)


def test_results_come_as_they_end(jobs: ModuleType) -> None:
    one(Job("warm", jobs.double, {"x": 1}))  # the server has started before the clocks do
    work = [Job("slow", jobs.wait, {"seconds": 1.0}), Job("quick", jobs.wait, {"seconds": 0.0})]
    assert [r.id for r in run_candidates(work, workers=2)] == ["quick", "slow"]
    assert [r.id for r in run_candidates(work, workers=1)] == ["slow", "quick"]


@pytest.mark.parametrize("engine", ENGINE_NAMES)
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
    monkeypatch.setattr(worker, "GRACE", 0.2)
    assert one(Job("a", jobs.lingering)).value == 1


def test_wrong_arguments_are_refused(jobs: ModuleType) -> None:
    with pytest.raises(ValueError, match="engine must be one of"):
        run_candidates([], engine="threads", workers=1)
    with pytest.raises(ValueError, match="workers must be >= 1, got 0"):
        run_candidates([], workers=0)
    with pytest.raises(ValueError, match="time_limit must be > 0"):
        run_candidates([], workers=1, time_limit=math.nan)
    with pytest.raises(ValueError, match="memory_limit must be > 0"):
        run_candidates([], workers=1, memory_limit=0)
    with pytest.raises(ValueError, match=r"gpu_share must be in 0\.\.1"):
        run_candidates([], workers=1, gpu_share=2.0)


def test_a_function_of_main_is_refused(jobs: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.double, "__module__", "__main__")
    with pytest.raises(ValueError, match="importable module"):
        one(Job("a", jobs.double, {"x": 1}))


def test_serial_works_outside_the_main_thread_where_nothing_holds_its_limit(jobs: ModuleType) -> None:
    with ThreadPoolExecutor(1) as pool:
        job = Job("a", jobs.wait, {"seconds": 0.3})
        result = pool.submit(one, job, engine="serial", time_limit=0.1).result()
    assert result.status == "completed"


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_at_the_end_what_runs_is_stopped_and_nothing_more_begins(jobs: ModuleType, engine: str) -> None:
    one(Job("warm", jobs.double, {"x": 1}), engine=engine)
    work = [Job("quick", jobs.double, {"x": 1}), *(Job(f"slow{n}", jobs.wait, {"seconds": 60}) for n in range(4))]
    start = time.monotonic()
    results = {r.id: r for r in run_candidates(work, engine=engine, workers=1, time_limit=50.0, ends=start + 3.0)}
    assert 3.0 <= time.monotonic() - start < 20.0
    assert set(results) == {"quick", "slow0"} and results["quick"].value == 2
    assert results["slow0"].status == "timeout" and results["slow0"].error.endswith("(time budget)")
