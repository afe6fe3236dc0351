"""The members of an answer: from what was tried, with what is known beforehand where validation cannot tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ahc.bank import Bank
from downstream.data import load_task
from downstream.task import Task
from nas.choosing.source import NamedSource
from nas.combining.members import best_point, choose, single
from nas.engines.settings import EngineSettings
from nas.runs.folder import RunFolder
from nas.saved.tensor_file import SavedEncoderError
from nas.strategies import Plan, Result, Wish
from nas.trials.runner import TrialRunner
from nas.trials.tried import Tried, pursue
from search_space.presets import preset
from tests.nas.trials.test_going_on import AllTheTime

SIMCLR, VALUES, TS_TCC = (preset(name, kind="classification") for name in ("simclr", "values", "ts_tcc"))
PLAN = Plan(landmarks=3, rungs=((2, 2), (4, 1)))
NOTHING = NamedSource("classification", VALUES)  # it knows nothing of any candidate


class Listed:
    """A strategy that asks for given rounds, and remembers what it was told."""

    def __init__(self, *rounds: list[Wish]) -> None:
        self.rounds, self.told = [*rounds], list[Result]()

    def ask(self) -> list[Wish]:
        return self.rounds.pop(0) if self.rounds else []

    def tell(self, results: list[Result]) -> None:  # type: ignore[override]
        self.told += results


@pytest.fixture
def task() -> Task:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    x = rng.normal(size=(40, 1, 30)) + np.sin(np.arange(30) * (0.5 + 0.4 * labels[:, None, None]))
    return load_task((x, labels), kind="classification", name="waves").without_test()


@pytest.fixture
def runner(task: Task, tmp_path: Path) -> Iterator[TrialRunner]:
    folder = RunFolder(tmp_path / "run", config={})
    folder.start()
    folder.events.begin({})
    with Bank(tmp_path / "bank.sqlite") as bank:
        yield TrialRunner(task, folder=folder, bank=bank, settings=EngineSettings(engine="serial"), budget=AllTheTime())


def tried_by(runner: TrialRunner, *rounds: list[Wish], **how: object) -> tuple[Tried, Listed]:
    strategy = Listed(*rounds)
    return pursue(strategy, runner, plan=PLAN, rng_seed=0, **how), strategy  # type: ignore[arg-type]


def test_candidates_with_one_encoder_share_a_landmark(runner: TrialRunner) -> None:
    tried, strategy = tried_by(runner, [Wish(one, 0) for one in (SIMCLR, TS_TCC, VALUES)])
    assert SIMCLR.encoder == TS_TCC.encoder and SIMCLR.key != TS_TCC.key
    assert len(tried.points) == 2 and len(runner._bank) == 2
    first, second, third = strategy.told
    assert first.curve == second.curve != third.curve


def test_what_is_too_dear_to_be_trained_is_final_as_it_was_drawn(runner: TrialRunner) -> None:
    _, strategy = tried_by(runner, [Wish(SIMCLR, 0)], trainable=lambda genotype: False)
    assert strategy.told[0].final


def test_a_failure_is_told_with_an_empty_curve(runner: TrialRunner) -> None:
    lost = replace(SIMCLR, train=replace(SIMCLR.train, learning_rate=1e30))
    tried, strategy = tried_by(runner, [Wish(lost, 2), Wish(VALUES, 0)])
    assert strategy.told[0].curve == () and strategy.told[1].curve
    assert best_point(tried, [VALUES.key], source=NOTHING, iterations=4).genotype == VALUES
    with pytest.raises(ValueError, match="none of the candidates"):
        best_point(tried, [lost.key], source=NOTHING, iterations=4)


def test_one_member_is_a_candidate_at_a_point_of_its_curve(runner: TrialRunner, task: Task) -> None:
    tried, _ = tried_by(runner, [Wish(SIMCLR, 0)], [Wish(SIMCLR, 2)], [Wish(SIMCLR, 4)])
    assert [one.iterations for one in tried.of(SIMCLR)] == [0, 2, 4]
    alone = choose(task, tried, source=NOTHING, iterations=4, most=1, rng_seed=0)
    assert len(alone.members) == 1 and alone.weights == (1.0,) and alone.file() == alone.members[0].weights.read_bytes()
    assert alone.score == alone.members[0].record.score and alone.noise > 0


def test_several_are_one_encoder_and_what_is_the_same_encoder_counts_once(runner: TrialRunner, task: Task) -> None:
    wishes = [Wish(preset(name, kind="classification"), 0) for name in ("hydra", "multirocket", "values", "simclr")]
    tried, _ = tried_by(runner, wishes, [Wish(wishes[1].genotype, 2)])  # it learns nothing
    entrant = choose(task, tried, source=NOTHING, iterations=4, most=4, rng_seed=0)
    names = {one.genotype.key for one in entrant.members}
    assert {wishes[0].genotype.key, wishes[1].genotype.key} <= names and len(names) == len(entrant.members)
    assert 0.0 < entrant.noise < 0.2 and entrant.untrained_score is None
    assert single(entrant.members[0]).weights == (1.0,)


def test_where_folds_know_too_few_cases_of_a_class_it_stays_at_the_prior(
    runner: TrialRunner, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    surest = [preset(name, kind="classification") for name in ("hydra", "multirocket")]
    tried, _ = tried_by(runner, [Wish(genotype, 0) for genotype in (*surest, VALUES, SIMCLR)])
    monkeypatch.setattr("downstream.classification.scoring.FEWEST_KNOWN", 10_000)
    entrant = choose(task, tried, source=NOTHING, iterations=4, most=4, rng_seed=0)
    assert {one.genotype.key: w for one, w in zip(entrant.members, entrant.weights, strict=True)} == {
        genotype.key: 0.5 for genotype in surest
    }


def test_a_damaged_file_of_what_was_said_is_one_sentence(runner: TrialRunner, task: Task) -> None:
    tried, _ = tried_by(runner, [Wish(SIMCLR, 0), Wish(VALUES, 0)])
    (one, _) = tried.points.values()
    for content in (b"", b"garbage", one.weights.with_suffix(".npy").read_bytes()[:-7]):
        one.weights.with_suffix(".npy").write_bytes(content)
        with pytest.raises(
            SavedEncoderError, match=r"\.npy: damaged .*; remove .*\.safetensors to have it tried again"
        ):
            choose(task, tried, source=NOTHING, iterations=4, most=4, rng_seed=0)
