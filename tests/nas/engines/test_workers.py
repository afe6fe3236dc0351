"""Workers that stay alive: who serves on, who is replaced, and that no job meets what another one left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from downstream.data import load_task
from nas.engines import _worker
from nas.engines._child import MOST_GROWTH
from nas.engines.job import Job, Result
from nas.engines.kept import workers_kept
from nas.engines.run import run_candidates
from nas.trials.trial import TrialPlan, trial_job
from search_space.presets import preset


def run(work: Sequence[Job], **options: Any) -> dict[str, Result]:
    return {result.id: result for result in run_candidates(work, **{"workers": 1, **options})}


def pids(work: Sequence[Job], **options: Any) -> list[int]:
    """Run jobs that return their process's id; leave out the others."""
    return [result.value for result in run(work, **options).values() if isinstance(result.value, int)]


def is_gone(pid: int) -> bool:
    for _ in range(200):
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            time.sleep(0.05)
            continue
        return True
    return False


def test_a_worker_serves_many_jobs_and_leaves_with_its_call(jobs: ModuleType) -> None:
    found = pids([Job(str(x), jobs.pid) for x in range(6)], workers=2)
    assert len(found) == 6 and len({*found}) <= 2
    assert all(is_gone(pid) for pid in found) and not {*found} & {*pids([Job("a", jobs.pid)])}


@pytest.mark.parametrize("engine", ["process", "serial"])
def test_a_note_arrives_while_its_job_runs(jobs: ModuleType, engine: str, tmp_path: Path) -> None:
    heard = []

    def hear(job: str, value: object) -> None:
        heard.append((job, value))
        (tmp_path / "heard").touch()

    work = [Job("a", jobs.note_and_wait, {"path": str(tmp_path / "heard")}), Job("b", jobs.double, {"x": 2})]
    results = run(work, engine=engine, on_note=hear)
    assert heard == [("a", "halfway")] and (results["a"].value, results["b"].value) == (True, 4)


def test_kept_workers_serve_the_next_call_and_leave_with_the_outer_block(jobs: ModuleType) -> None:
    with workers_kept():
        first = pids([Job("a", jobs.pid)])
        with workers_kept():
            assert pids([Job("a", jobs.pid)], workers=2) == first
        assert pids([Job("a", jobs.pid)]) == first
    assert is_gone(*first) and pids([Job("a", jobs.pid)]) != first


@pytest.mark.parametrize(
    ("function", "arguments", "status"),
    [
        ("fail", {"text": "on purpose"}, "crashed"),
        ("unpicklable", {}, "crashed"),
        ("die", {"number": signal.SIGKILL}, "crashed"),
        ("wait", {"seconds": 600}, "timeout"),
        ("with_status", {"status": "timeout"}, "timeout"),
        ("raising", {"kind": "MemoryError"}, "out_of_memory"),
        ("lingering", {}, "completed"),
        ("hoard", {"n_bytes": MOST_GROWTH + 2**26}, "completed"),
    ],
)
def test_what_goes_wrong_or_leaves_something_behind_ends_its_worker(
    jobs: ModuleType, function: str, arguments: dict[str, Any], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_worker, "GRACE", 0.2)
    work = [Job("before", jobs.pid), Job("bad", getattr(jobs, function), arguments), Job("after", jobs.pid)]
    results = run(work, time_limit=3.0 if function == "wait" else 120.0)
    assert results["bad"].status == status
    before, after = results["before"].value, results["after"].value
    assert before != after and is_gone(before) and results["after"].attempts == 1


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("raising", {"kind": "FloatingPointError"}),
        ("invalid", {}),
        ("take", {"n_bytes": MOST_GROWTH + 2**26}),
        ("hoard", {"n_bytes": 1000}),
    ],
)
def test_a_job_that_ends_as_it_may_leaves_its_worker_to_others(
    jobs: ModuleType, function: str, arguments: dict[str, Any]
) -> None:
    results = run([Job("1", jobs.pid), Job("2", getattr(jobs, function), arguments), Job("3", jobs.pid)])
    before, after = results["1"].value, results["3"].value
    assert before == after


def test_a_worker_that_did_enough_is_replaced(jobs: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_worker, "MOST_JOBS", 2)
    found = pids([Job(str(x), jobs.pid) for x in range(5)])
    assert [found.count(pid) for pid in dict.fromkeys(found)] == [2, 2, 1]


def test_what_jobs_share_is_sent_once(jobs: ModuleType) -> None:
    things = [jobs.Counted(value) for value in "ab"]
    work = [Job(f"{x}{thing.value}", jobs.value_of, shared={"thing": thing}) for x in range(4) for thing in things]
    with workers_kept():
        for _ in range(2):
            results = run(work)
            assert {name: result.value[0] for name, result in results.items()} == {job.id: job.id[1] for job in work}
    assert [thing.packed for thing in things] == [1, 1]
    # a worker that is new knows nothing
    run([work[0], Job("bad", jobs.raising, {"kind": "MemoryError"}), work[2]])
    assert things[0].packed == 3


def test_an_object_that_is_gone_is_never_taken_for_a_new_one_at_its_place(jobs: ModuleType) -> None:
    def work() -> Iterator[Job]:
        for x in range(30):
            yield Job(str(x), jobs.value_of, shared={"thing": jobs.Counted(x)})

    assert {name: result.value[0] for name, result in run(work()).items()} == {str(x): x for x in range(30)}  # type: ignore[arg-type]


def test_every_job_finds_the_global_state_of_a_fresh_process(jobs: ModuleType) -> None:
    (alone,) = run([Job("a", jobs.state)]).values()
    work = [*(Job(str(x), jobs.state) for x in range(2)), Job("spoil", jobs.spoil), Job("last", jobs.state)]
    with workers_kept():
        results = run(work[:1], memory_limit=2**36, memory_budget=10**9) | run(work[1:])
    assert [results["0"].value.pop(name) for name in ("limited", "budget")] == [True, True]
    assert [alone.value.pop(name) for name in ("limited", "budget")] == [False, False]
    assert alone.value["dtype"] == "torch.float32" and alone.value["threads"] == 1
    assert len({str(results[name].value.pop("numpy")) for name in ("0", "1", "last")}) == 1  # a process has its own
    del alone.value["numpy"]
    for name in ("1", "last"):
        assert [results[name].value.pop(fact) for fact in ("limited", "budget")] == [False, False]
    for name in ("0", "1", "last"):
        assert results[name].value == alone.value
    assert results["spoil"].status == "completed" and run([Job("a", jobs.pid)])["a"].status == "completed"


def test_trials_are_the_same_to_the_bit_in_whatever_order_a_worker_does_them(jobs: ModuleType) -> None:
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(40) / np.repeat([3.0, 5.0], 12)[:, None]) + 0.3 * rng.normal(size=(24, 40))
    task = load_task((values[:, None, :], np.repeat([0, 1], 12)), kind="classification").without_test()
    plans = [TrialPlan(preset(name, kind="classification"), iterations, 3, "search")
             for name, iterations in (("minirocket", 0), ("ts2vec", 2))]  # fmt: skip
    work = [trial_job(plan, task, device="cpu", time_limit=None, keep_weights=True) for plan in plans]
    spoil = [Job(f"spoil{x}", jobs.spoil) for x in range(2)]
    mixed = [job for pair in zip(spoil, work, strict=True) for job in pair]
    alone = {job.id: outcome(run([job])[job.id]) for job in work}
    for order in (mixed, mixed[::-1]):
        results = run(order)
        assert {job.id: outcome(results[job.id]) for job in work} == alone


def outcome(result: Result) -> tuple[Any, ...]:
    assert result.status == "completed", result.error
    record = result.value.record
    return record.curve, record.score, dict(record.details), result.value.weights


def test_a_worker_that_is_killed_while_it_waits_costs_nothing(jobs: ModuleType) -> None:
    with workers_kept():
        (pid,) = pids([Job("a", jobs.pid)])
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
        result = run([Job("a", jobs.pid)])["a"]
    assert (result.status, result.attempts) == ("completed", 1) and result.value != pid


def test_a_job_that_cannot_be_packed_is_the_caller_s_error(jobs: ModuleType) -> None:
    with workers_kept():
        (pid,) = pids([Job("a", jobs.pid)])
        with pytest.raises(Exception, match="pickle"):
            run([Job("a", jobs.pid, {"given": lambda: None})])
        assert is_gone(pid) and run([Job("a", jobs.pid)])["a"].status == "completed"


def test_leaving_a_call_ends_who_is_at_work_and_keeps_who_is_not(jobs: ModuleType) -> None:
    with workers_kept():
        results = run_candidates([Job("quick", jobs.pid), Job("slow", jobs.wait, {"seconds": 60})], workers=2)
        idle = next(results).value
        results.close()  # type: ignore[attr-defined]
        assert pids([Job("a", jobs.pid)]) == [idle]


SCRIPT = """
import sys, time
sys.path.insert(0, {folder!r})
import engine_jobs
from nas.engines.job import Job
from nas.engines.kept import workers_kept
from nas.engines.run import run_candidates
from nas.engines.available import process
process.PRELOAD = ()
with workers_kept():
    for result in run_candidates([Job("a", engine_jobs.pid)], workers=1):
        print(result.value, flush=True)
    time.sleep(60)
"""


def test_a_worker_that_waits_ends_with_a_killed_driver(jobs: ModuleType, tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.format(folder=str(Path(str(jobs.__file__)).parent)), encoding="utf-8")
    root = str(Path(_worker.__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": root}
    driver = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=env)
    assert driver.stdout is not None
    pid = int(driver.stdout.readline())
    os.kill(pid, 0)
    driver.kill()
    driver.communicate()
    assert is_gone(pid)
