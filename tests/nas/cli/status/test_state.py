"""Events folded into how a run stands, and the time it still takes."""

from __future__ import annotations

from typing import Any

import pytest

from nas.cli.status.state import RunState, fold

ROUND = {"event": "round", "round": "first", "trials": 5, "known": 1, "workers": 2}


def at(second: float, event: str, **facts: Any) -> dict[str, Any]:
    return {"time": f"2026-11-21T10:{int(second) // 60:02}:{second % 60:06.3f}Z", "event": event, **facts}


def started(second: float, trial: str, iterations: int = 10) -> dict[str, Any]:
    return at(second, "trial started", trial=trial, key=trial, iterations=iterations)


def ended(second: float, trial: str, **facts: Any) -> dict[str, Any]:
    usual = {"iterations": 10, "status": "completed", "validation": 0.5, "seconds": 4.0, "metric": "mse"}
    return at(
        second, "trial", trial=trial, key=trial, **(usual | {"best_iteration": 3, "higher_is_better": False} | facts)
    )


def moment(second: float) -> float:
    """Return seconds since 1970 of a moment of these tests."""
    return 1795255200.0 + second  # 2026-11-21T10:00:00Z


def test_the_counts_of_a_round_add_up() -> None:
    events = [
        at(0, "run", pid=7),
        at(1, "stage", stage="train"),
        ROUND | at(1, "round"),
        started(2, "a"),
        started(2, "b"),
        ended(6, "a"),
        started(6, "c"),
        ended(8, "b", status="timeout", validation=None),
    ]
    state = fold(events)
    assert (state.statuses, list(state.running), state.waiting) == ({"completed": 1, "timeout": 1}, ["c"], 1)
    assert (state.stage, state.pid, state.ended) == ("train", 7, "")
    assert state.elapsed() == 8.0 and state.elapsed(now=moment(20)) == 20.0


def test_the_time_left_is_that_of_an_optimiser_step_shared_among_the_workers() -> None:
    events = [at(0, "run"), ROUND | at(0, "round"), started(0, "a"), ended(4, "a"), started(4, "b", 20)]
    # 0.4 s a step: b has 8 s to go, of which 3 are over; two trials of its length wait; two at a time
    assert fold(events).seconds_left(now=moment(7)) == pytest.approx((5.0 + 2 * 8.0) / 2)
    # never less than the longest that runs
    alone = [at(0, "run"), {**ROUND, "trials": 3} | at(0, "round"), started(0, "a"), ended(4, "a"), started(4, "b", 50)]
    assert fold(alone).seconds_left(now=moment(5)) == pytest.approx(19.0)
    # a trial that takes longer than expected is about to end, whatever the clock says
    assert fold(alone).seconds_left(now=moment(500)) == 0.0


def test_a_time_budget_bounds_the_sitting_that_has_it() -> None:
    first, second = at(0, "run", time_budget=60.0), at(100, "run", time_budget=30)
    assert fold([first]).most_seconds_left(now=moment(50)) == 10.0
    assert fold([first, second]).most_seconds_left(now=moment(110)) == 20.0
    assert fold([first]).most_seconds_left(now=moment(70)) == 0.0
    assert fold([first, at(100, "run")]).most_seconds_left(now=moment(110)) is None


@pytest.mark.parametrize(
    "events",
    [
        [],
        [at(0, "run"), ROUND | at(0, "round"), started(0, "a")],  # nothing to learn from yet
        [at(0, "run"), ended(3, "a")],  # no round
        [at(0, "run"), {**ROUND, "trials": 1, "known": 0} | at(0, "round"), started(0, "a"), ended(3, "a")],  # all done
        [at(0, "run"), ROUND | at(0, "round"), ended(3, "a", status="crashed")],  # a failure says nothing about speed
    ],
)
def test_no_estimate_without_a_reason(events: list[dict[str, Any]]) -> None:
    assert fold(events).seconds_left(now=moment(9)) is None


@pytest.mark.parametrize(("higher", "best"), [(False, "low"), (True, "high")])
def test_the_best_follows_the_metric_s_direction_and_failures_do_not_count(higher: bool, best: str) -> None:
    values = {"first": 0.5, "low": 0.1, "none": None, "high": 0.9, "nan": float("nan")}
    state = fold([ended(1, name, validation=value, higher_is_better=higher) for name, value in values.items()])
    assert state.best is not None and (state.best.key, state.best.best_iteration) == (best, 3)


def test_a_resumed_run_goes_on_counting_and_its_breaks_are_no_work() -> None:
    events = [
        at(0, "run"),
        ROUND | at(0, "round"),
        started(0, "a"),
        ended(5, "a"),
        started(5, "killed"),
        at(100, "run"),
        {**ROUND, "known": 2} | at(101, "round"),
        started(101, "killed"),
        ended(103, "killed", status="crashed"),
        at(104, "end", status="interrupted", message="later"),
    ]
    before, after = fold(events[:6]), fold(events)
    assert (before.running, before.waiting, before.ended, before.round) == ({}, 0, "", None)
    assert after.statuses == {"completed": 1, "crashed": 1}
    assert (after.elapsed(), len(after.sittings), after.ended, after.message) == (9.0, 2, "interrupted", "later")


def test_a_trial_that_is_run_again_counts_once() -> None:
    assert fold([ended(1, "a", status="crashed"), ended(2, "a")]).statuses == {"completed": 1}


NONSENSE: tuple[Any, ...] = (None, -1, 1e400, "x" * 99, [], {}, True, 10**4000, float("nan"))


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: str(type(value)))
def test_values_of_a_wrong_type_or_size_break_nothing(value: Any) -> None:
    texts = ("time", "stage", "round", "trial", "key", "status", "metric", "higher_is_better", "message")
    numbers = (
        "trials",
        "known",
        "workers",
        "iterations",
        "validation",
        "best_iteration",
        "seconds",
        "pid",
        "time_budget",
    )
    events = [
        {"event": event} | dict.fromkeys((*texts, *numbers), value)
        for event in ("run", "stage", "round", "trial started", "trial", "end", value)
    ]
    state = fold(events)
    assert isinstance(state, RunState) and state.elapsed() == 0.0
    assert state.seconds_left(now=moment(0)) is None
