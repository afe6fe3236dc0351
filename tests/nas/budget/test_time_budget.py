"""Time budgets of a search: it ends in time with the best so far, says what it cut, and goes on with more time."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahc.bank import Bank
from downstream import evaluation
from downstream.cases import features
from downstream.data import load_task
from nas import net
from nas.budget.deadline import Deadline, command_begins
from nas.budget.least import _rounded, too_small
from nas.budget.search_budget import ROUND_SHARE, VERIFICATION_SHARE, SearchBudget
from nas.budget.seeds_budget import SeedsBudget
from nas.cli import program as cli
from nas.errors import TimeBudgetError
from nas.options.search import SearchOptions
from nas.runs.folder import RunFolder
from nas.search import search

EXAMPLES = Path(__file__).parents[3] / "examples" / "data"
ITALY = EXAMPLES / "ItalyPowerDemand"


def options(folder: Path, **changes: object) -> SearchOptions:
    settings = {"task": "classification", "iterations": 4, "candidates": 40, "top_k": 2, "landmarks": 8}
    settings |= {"engine": "serial", "report": False}
    settings |= {"workers": 1, "quiet": True, "output": str(folder)}
    return SearchOptions(**{"data": str(ITALY), **settings, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module", autouse=True)
def without_minirocket() -> Iterator[None]:
    """Keep the compilation of MiniRocket (half a minute) out; tests/downstream covers it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "find_spec", lambda name: None)
        yield


def budget_of(seconds: float, *, n_workers: int = 1) -> SearchBudget:
    task = load_task(ITALY, kind="classification")
    return SearchBudget(Deadline(seconds, time.monotonic()), task=task, n_workers=n_workers)


def test_a_deadline_counts_from_the_begin_of_the_command() -> None:
    with command_begins():
        time.sleep(0.05)
        inside = Deadline.of(10.0)
    outside = Deadline.of(10.0)
    assert 0.05 <= inside.used < 5.0 and inside.ends == inside.began + 10.0
    assert 9.9 < outside.left <= 10.0 and Deadline.of(None).left == math.inf


def test_rounds_share_the_time_and_no_trial_takes_that_of_all() -> None:
    budget = budget_of(100.0, n_workers=2)
    now = time.monotonic()
    some, whole = budget.round_ends(last=False), budget.round_ends(last=True)
    assert math.isclose(whole, budget.trials_end, abs_tol=0.05)
    assert math.isclose(some - now, (whole - now) * ROUND_SHARE, abs_tol=0.05)
    # twice the share of each of 8 on two workers, and never more than there is
    assert math.isclose(budget.trial_limit(now + 40.0, n_left=8), 2 * 40.0 / 4, abs_tol=0.1)
    assert math.isclose(budget.trial_limit(now + 10.0, n_left=1), 10.0, abs_tol=0.1)
    assert budget.trial_limit(now, n_left=1) == 0.0
    assert whole < budget.hard_end(whole) <= budget.verification_ends < budget.deadline.ends
    # the verification keeps its share
    assert math.isclose(budget.verification_ends - whole, VERIFICATION_SHARE * 100.0, abs_tol=0.05)


def test_without_a_budget_nothing_ends() -> None:
    budget = budget_of(math.inf)
    ends = (budget.round_ends(last=False), budget.trial_limit(math.inf, n_left=3), budget.hard_end(math.inf))
    assert ends == (math.inf, math.inf, math.inf) and budget.verification_ends == math.inf
    assert budget.sentences() == []


def test_what_was_cut_is_said() -> None:
    budget = budget_of(100.0)
    assert budget.sentences() == ["Time budget 100 s: nothing was cut."]
    budget.note_round("landmarks", n_trials=64, n_stopped=1, n_left_out=20)
    assert budget.sentences() == [
        "Time budget 100 s: landmarks: 1 of 64 trials stopped early, 20 of 64 trials not begun.",
        "The same command with a larger --time-budget goes on from here.",
    ]


@pytest.mark.parametrize(("seconds", "allowed"), [(math.inf, True), (60.0, True), (5.0, False)])
def test_a_page_needs_time(seconds: float, allowed: bool) -> None:
    budget = budget_of(seconds)
    assert budget.allows_page() is allowed and budget.cut == ([] if allowed else ["no page with figures"])


@given(seconds=st.floats(0.01, 24.0))
def test_the_advised_budget_is_the_same_whatever_was_given(seconds: float) -> None:
    # 8 s to begin with; three trials of 1 + 0.3 + 2 x (0.5 + 67 x 24 x 1.12e-4) s, 1.5 s for the report
    with pytest.raises(TimeBudgetError, match=r"the least .* is about 25 s"):
        raise budget_of(seconds).too_small()


def test_too_small_a_budget_is_an_error_of_its_own(tmp_path: Path) -> None:
    assert cli.status_of(TimeBudgetError("x")) == 5
    with pytest.raises(TimeBudgetError, match=r"in 0\.01 s nothing could be trained"):
        search(options(tmp_path / "run", time_budget=0.01))


@given(seconds=st.floats(0.01, 80.0))
def test_that_of_seeds_is_the_same_too(seconds: float) -> None:
    budget = SeedsBudget(Deadline(seconds, time.monotonic() - seconds))
    budget.n_missing, budget.longest = 5, 40.0
    with pytest.raises(TimeBudgetError, match=r"no trial came to its end; the least .* is about 90 s"):
        budget.sentence(5)


def test_where_the_advised_budget_was_given_another_sentence_is_said() -> None:
    error = too_small("nothing could be trained", budget=40.0, seconds=33.0, where="for Italy")
    assert str(error).endswith("about 35 s for Italy are enough as a rule, but not here and now; "
                               "give several times as much")  # fmt: skip
    assert [_rounded(seconds) for seconds in (0.1, 60.0, 61.0, 601.0)] == [5, 60, 90, 900]


def test_a_search_ends_in_time_and_goes_on_with_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = net.Trainer.step

    def slow(self: net.Trainer) -> float:
        time.sleep(0.05)
        return original(self)

    monkeypatch.setattr(net.Trainer, "step", slow)
    began = time.monotonic()
    result = search(options(tmp_path / "run", iterations=400, time_budget=25.0))
    assert time.monotonic() - began < 26.25
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["time_budget"] == 25.0 and any("stopped early" in line for line in facts["cut"])
    assert "Time budget 25 s: " in result.text and "stopped early" in result.text
    with Bank(tmp_path / "run" / "bank.sqlite", read_only=True) as bank:
        assert "timeout" not in {record.status for record in bank.records()}  # they would pass for slow candidates
    assert (tmp_path / "run" / "encoder.safetensors").is_file()

    same = search(options(tmp_path / "run", iterations=400, time_budget=25.0))
    assert same.text.startswith("(finished before")
    config = json.loads((tmp_path / "run" / "config.json").read_text())["question"]
    finished = [
        RunFolder(tmp_path / "run", config={**config, "time_budget": seconds}).finished for seconds in (9.0, 90.0, None)
    ]
    assert finished == [True, False, False]


def test_what_has_no_score_in_time_is_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = evaluation.score_test
    calls = []

    def slower_each_time(*arguments: Any, **settings: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:  # after the chosen one
            time.sleep(60.0)
        return original(*arguments, **settings)

    monkeypatch.setattr(evaluation, "score_test", slower_each_time)
    began = time.monotonic()
    result = search(options(tmp_path / "run", preset="simclr", time_budget=15.0))
    assert time.monotonic() - began < 15.75
    assert [row.name for row in result.rows] == ["chosen", "raw_series"]
    assert "no scores on test of: " in result.text and "TS2Vec preset" in result.text
