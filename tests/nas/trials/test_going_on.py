"""Rounds of trials that go on from each other: what lies beside the weights, and what a killed driver leaves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from ahc.bank import Bank
from ahc.bank.verify import problems_of
from downstream.data import load_task
from downstream.task import Task
from nas.engines.settings import EngineSettings
from nas.runs.folder import RunFolder
from nas.saved.encoder import load_encoder
from nas.trials import trial as trials
from nas.trials.runner import Trained, TrialRunner
from nas.trials.trial import TrialPlan
from search_space.presets import preset

PRESET = preset("ts2vec", kind="classification")
SMALL = replace(PRESET, encoder=replace(PRESET.encoder, blocks=2, hidden=8, output=6, dropout=0.1))
OTHER = replace(SMALL, train=replace(SMALL.train, batch_size=16))
FROZEN = replace(preset("minirocket"), encoder=replace(preset("minirocket").encoder, hidden=84))
POINTS = (0, 2, 4)


class AllTheTime:
    """A budget that cuts nothing."""

    def round_ends(self, **_: Any) -> float:
        return math.inf

    def trial_limit(self, *_: Any, **__: Any) -> float:
        return math.inf

    def hard_end(self, _: float) -> float:
        return math.inf

    def note_round(self, *_: Any, **__: Any) -> None:
        return


@pytest.fixture(scope="module")
def task() -> Task:
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(30) / np.repeat([3.0, 5.0], 12)[:, None]) + 0.3 * rng.normal(size=(24, 30))
    return load_task((values[:, None, :], np.repeat([0, 1], 12)), kind="classification", name="two tones")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each trial that was run had a state to go on from."""
    seen, run_trial = [], trials.run_trial

    def note(plan: TrialPlan, task: Task, *, state: bytes | None = None, **how: Any) -> Any:
        seen.append(state is not None)
        return run_trial(plan, task, state=state, **how)

    monkeypatch.setattr(trials, "run_trial", note)
    return seen


@pytest.fixture
def runner(task: Task, tmp_path: Path) -> Iterator[TrialRunner]:
    with Bank(tmp_path / "bank.sqlite") as bank:
        yield new_runner(task, tmp_path / "run", bank)


def new_runner(task: Task, path: Path, bank: Bank) -> TrialRunner:
    folder = RunFolder(path, config={})
    path.mkdir(exist_ok=True)
    folder.start()
    folder.events.begin({})
    return TrialRunner(
        task, folder=folder, bank=bank, settings=EngineSettings("serial"), budget=cast(Any, AllTheTime())
    )


def plan(iterations: int, **facts: Any) -> TrialPlan:
    return TrialPlan(
        **{"genotype": SMALL, "rng_seed": 1, "origin": "search", "probe_at": POINTS, **facts}, iterations=iterations
    )  # type: ignore[arg-type]


def run(runner: TrialRunner, *plans: TrialPlan) -> list[Trained]:
    done = runner.run(plans, name="round")
    return [done[one.id] for one in plans if one.id in done]


def states(runner: TrialRunner) -> list[str]:
    return sorted(file.name.split("-")[1] for file in runner._folder.weights.glob("*.state"))


def test_a_race_equals_trials_from_scratch(
    runner: TrialRunner, task: Task, tmp_path: Path, started: list[bool]
) -> None:
    found = []
    for iterations, left in ((0, ["0"]), (2, ["2"]), (4, ["2"])):
        found += run(runner, plan(iterations, goes_on=iterations < 4))
        assert states(runner) == left
    assert started == [False, True, True]
    with Bank(tmp_path / "other.sqlite") as bank:
        (scratch,) = run(new_runner(task, tmp_path / "other", bank), plan(4))
    last = found[-1]
    assert replace(last.record, seconds=0.0, created="") == replace(scratch.record, seconds=0.0, created="")
    one, other = (load_encoder(each.weights).encoder.state_dict() for each in (last, scratch))
    assert all((one[name] == other[name]).all() for name in other)
    # each point of the race has a score and weights of its own, and no record that the bank would call impossible
    assert [each.record.score for each in found] == [score for _, score, _ in last.record.curve]
    assert len({each.weights for each in found}) == 3
    assert not [problem for each in found for problem in problems_of(each.record)]
    runner.forget_states()
    assert states(runner) == [] and len(list(runner._folder.weights.glob("*.safetensors"))) == 3
    assert np.array_equal(last.held_out, scratch.held_out) and last.held_out.shape == (len(task.labels), 2)


def test_only_a_shorter_trial_of_the_same_candidate_and_rng_seed_is_gone_on_from(
    runner: TrialRunner, started: list[bool]
) -> None:
    run(runner, plan(2, goes_on=True))
    run(runner, plan(1), plan(2, rng_seed=11), plan(4, rng_seed=2), plan(4, genotype=OTHER))
    assert started == [False] * 5
    run(runner, plan(3, goes_on=True), plan(4))
    assert started[5:] == [True, True] and states(runner) == ["3"]


def test_a_driver_that_was_killed_goes_on_with_what_it_left(
    runner: TrialRunner, task: Task, started: list[bool]
) -> None:
    run(runner, plan(2, goes_on=True))
    (file,) = runner._folder.weights.glob("*.state")
    content = file.read_bytes()
    run(runner, plan(3, goes_on=True))
    # killed between the state of the second trial and its record: the first one's state is still there
    file.write_bytes(content)
    with Bank(runner._folder.path / "bank.sqlite") as bank:
        again = new_runner(task, runner._folder.path, bank)
        run(again, plan(2, goes_on=True))
        assert started == [False, True, False] and states(again) == ["2", "3"]
        run(again, plan(3, goes_on=True))
        assert started[3:] == [True] and states(again) == ["3"]


def test_a_damaged_state_means_training_from_scratch(runner: TrialRunner, tmp_path: Path, task: Task) -> None:
    run(runner, plan(2, goes_on=True))
    (file,) = runner._folder.weights.glob("*.state")
    file.write_bytes(file.read_bytes()[:-1])
    (trained,) = run(runner, plan(4))
    assert str(trained.record.details["trained_anew"]).startswith("the state of the trial is")
    with Bank(tmp_path / "other.sqlite") as bank:
        (scratch,) = run(new_runner(task, tmp_path / "other", bank), plan(4))
    assert trained.record.curve == scratch.record.curve


def test_a_candidate_with_nothing_to_learn_says_so_and_leaves_no_state(runner: TrialRunner) -> None:
    (trained,) = run(runner, plan(0, genotype=FROZEN, goes_on=True))
    assert trained.record.details["final"] == 1.0 and states(runner) == []
    (short,) = run(runner, plan(0, goes_on=True))
    assert "final" not in short.record.details


def test_a_candidate_that_diverges_has_a_record_and_no_weights(runner: TrialRunner) -> None:
    wild = replace(SMALL, train=replace(SMALL.train, learning_rate=1e30))
    assert run(runner, plan(4, genotype=wild, goes_on=True)) == []
    (record,) = runner._bank.records()
    assert (record.status, record.score) == ("diverged", None) and record.untrained_score == record.curve[0][1]
    assert list(problems_of(record)) == [] and list(runner._folder.weights.iterdir()) == []


def test_an_overwritten_run_leaves_no_state(runner: TrialRunner) -> None:
    run(runner, plan(2, goes_on=True))
    RunFolder(runner._folder.path, config={}, overwrite=True).start()
    assert list(runner._folder.weights.iterdir()) == []
