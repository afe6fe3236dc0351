"""A candidate with a window of its own is trained, saved and scored as on a task that looks back so far."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ahc.ranking import UnlearnedWarning
from downstream import evaluation
from downstream.data import load_task
from downstream.task import Task
from nas.choosing.candidates import named_candidate, space_for
from nas.cli.encoders.embed import embed
from nas.cli.encoders.evaluate import evaluate
from nas.combining.members import single
from nas.cost import costs_on
from nas.cost.model import cost
from nas.engines.settings import EngineSettings
from nas.errors import OptionError
from nas.options.search import SearchOptions
from nas.options.using.encoders import EmbedOptions, EvaluateOptions
from nas.representer import Representer
from nas.saved.encoder import load_encoder
from nas.trials.runner import Trained
from nas.trials.trial import TrialOutcome, TrialPlan, run_trial
from nas.verification import verify
from search_space.drawing import crossover, mutate, sample_candidates
from search_space.genotype import Genotype
from search_space.presets import preset
from search_space.space import SpaceError, default_space, read_space
from tests.nas.choosing.first_wishes import first_wishes

ITALY = Path(__file__).parents[3] / "examples" / "data" / "ItalyPowerDemand"


def with_window(genotype: Genotype, window: int) -> Genotype:
    return dataclasses.replace(genotype, encoder=dataclasses.replace(genotype.encoder, window=window))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng, steps = np.random.default_rng(0), np.arange(3000)
    waves = {name: np.sin(steps / 24 * 2 * np.pi + n) for n, name in enumerate("ab")}
    return pd.DataFrame({name: wave + rng.normal(size=3000) for name, wave in waves.items()})


def task_of(frame: pd.DataFrame, **how: Any) -> Task:
    return load_task(frame, kind="forecasting", name="waves", horizons=(4, 12), **how)


def trained(genotype: Genotype, task: Task, iterations: int = 4) -> TrialOutcome:
    plan = TrialPlan(genotype, iterations, 0, "search")
    return run_trial(plan, task, device="cpu", time_limit=None, keep_weights=True)


@pytest.fixture(scope="module")
def small() -> Genotype:
    genotype = preset("rocket_patches", kind="forecasting")
    return dataclasses.replace(genotype, encoder=dataclasses.replace(genotype.encoder, hidden=24))


@pytest.mark.parametrize("name", ["simclr", "rocket_patches"])
def test_a_trial_equals_one_on_a_task_with_that_window(name: str, frame: pd.DataFrame, tmp_path: Path) -> None:
    genotype = preset(name, kind="forecasting")
    task, wide = task_of(frame), task_of(frame, window=192)
    assert task.spec.window == 96 and task.spec.raw_lags == wide.spec.raw_lags
    own, there = trained(with_window(genotype, 192), task), trained(genotype, wide)
    assert own.record.task_hash == task.hash != there.record.task_hash
    assert own.record.curve == there.record.curve and own.record.score == there.record.score
    assert own.record.score != trained(genotype, task).record.score
    assert own.weights is not None and there.weights is not None
    found = []
    for number, weights in enumerate((own.weights, there.weights)):
        (tmp_path / f"{number}.safetensors").write_bytes(weights)
        found.append(load_encoder(tmp_path / f"{number}.safetensors"))
    assert found[0].window == found[1].window == 192 and found[0].genotype.encoder.window == 192
    states = [saved.encoder.state_dict() for saved in found]
    assert all((states[0][key] == states[1][key]).all() for key in states[1]) and states[0].keys() == states[1].keys()


@pytest.mark.slow
def test_it_is_verified_evaluated_and_embedded_with_its_own_window(
    small: Genotype, frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame = frame[["a"]]
    outcome = trained(with_window(small, 192), task_of(frame), iterations=0)
    weights = tmp_path / "encoder.safetensors"
    assert outcome.weights is not None
    weights.write_bytes(outcome.weights)
    settings = EngineSettings.chosen(engine="serial", workers=1, device="cpu")
    entrant = single(Trained(with_window(small, 192), outcome.record, weights))
    row = verify(task_of(frame), {"chosen": entrant}, settings=settings).rows[0]
    frame.to_csv(tmp_path / "waves.csv", index=False)
    evaluated = evaluate(EvaluateOptions(str(weights), str(tmp_path / "waves.csv"), quiet=True)).rows[0]
    wide = task_of(frame, window=192)
    opened = wide.open_test()
    expected = evaluation.score_test(wide, opened, Representer(load_encoder(weights).encoder))
    assert row.scores.metrics == expected.metrics
    assert evaluated.scores.metrics == pytest.approx(expected.metrics, rel=1e-4)
    assert row.scores.protocol["window"] == 192
    table = tmp_path / "z.csv"
    embed(EmbedOptions(str(weights), str(tmp_path / "waves.csv"), str(table), level="step", quiet=True))
    assert len(pd.read_csv(table)) == len(frame)


def test_costs_are_those_of_its_windows(frame: pd.DataFrame) -> None:
    task = task_of(frame, window=None)
    genotype = preset("ts2vec", kind="forecasting")
    cost_of = costs_on(task)
    assert cost_of(genotype) == cost(genotype, variates=2, steps=96)
    assert cost_of(with_window(genotype, 192)) == cost(with_window(genotype, 192), variates=2, steps=128)


def test_windows_are_drawn_where_the_task_leaves_them_open(frame: pd.DataFrame) -> None:
    task = task_of(frame)
    assert task.lookbacks == (0, 192)
    drawn = sample_candidates(400, np.random.default_rng(0), space_for(task))
    assert {genotype.encoder.window for genotype in drawn} == {0, 192}
    rng = np.random.default_rng(1)
    assert {mutate(genotype, rng, space_for(task)).encoder.window for genotype in drawn} == {0, 192}
    pairs = zip(drawn[::2], drawn[1::2], strict=True)
    assert {crossover(one, other, rng, space=space_for(task)).encoder.window for one, other in pairs} == {0, 192}


def test_no_other_task_ever_meets_one(frame: pd.DataFrame) -> None:
    for task in (load_task(ITALY, kind="classification"), task_of(frame, window=96), None):
        space = space_for(task)
        assert all(product["EncoderCell"]["window"] == (0,) for product in space.products)
        drawn = sample_candidates(200, np.random.default_rng(0), space)
        assert {genotype.encoder.window for genotype in drawn} == {0}
    # and what they are drawn is what they were drawn before there were windows
    without = read_space({"regions": {name: {**product_without_windows(name)} for name in default_space().regions}})
    assert sample_candidates(200, np.random.default_rng(0), without) == drawn


def product_without_windows(name: str) -> dict[str, Any]:
    share, product = default_space().regions[name].share, default_space()[name].to_dict()
    cell = {field: values for field, values in product["EncoderCell"].items() if field != "window"}
    return {"share": share, **product, "EncoderCell": {**cell, "window": [0]}}


def test_a_named_window_is_refused_where_there_is_no_choice(frame: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "genotype.json"
    file.write_text(json.dumps(with_window(preset("simclr"), 192).to_dict()))
    assert named_candidate(task_of(frame), file=str(file)) is not None
    assert named_candidate(task_of(frame, window=192), file=str(file)) is not None
    for task in (load_task(ITALY, kind="classification"), task_of(frame, window=96), task_of(frame[:900])):
        with pytest.raises(OptionError, match=r"EncoderCell.window must be one of 0, \d+ for this task, got 192"):
            named_candidate(task, file=str(file))
    only = default_space().restrict({"EncoderCell.window": 512})
    with pytest.raises(SpaceError, match=r"EncoderCell.window: must hold one of \[0, 192\] for this task, got \[512\]"):
        space_for(task_of(frame), only)


def test_the_comparator_is_said_not_to_know_windows_only_where_there_are_some(
    frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ahc.ranking.NAMED", 100)
    for task, expected in ((task_of(frame), True), (task_of(frame, window=96), False)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UnlearnedWarning)
            first_wishes(task, SearchOptions("waves.csv", candidates=300, landmarks=4))
        assert any("encoder.window" in str(each.message) for each in caught) == expected
