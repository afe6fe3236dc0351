"""A search that tries candidates: landmarks, a race, a combination; and one that stops after the ranking."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ahc.bank import Bank
from downstream.cases import features
from nas.cli.encoders.evaluate import evaluate
from nas.errors import OptionError
from nas.net import Trial
from nas.options.search import SearchOptions
from nas.options.using.encoders import EvaluateOptions
from nas.runs.lines import read_json_lines
from nas.saved.encoder import load_encoder
from nas.search import search
from nas.trials import trial
from search_space.genotype import Genotype
from search_space.presets import preset
from tests.nas.small_sets import italy

ITALY = italy()


@pytest.fixture(autouse=True)
def without_minirocket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the compilation of MiniRocket (half a minute) out; tests/downstream covers it."""
    monkeypatch.setattr(features, "find_spec", lambda name: None)


def options(folder: Path, **changes: object) -> SearchOptions:
    settings = {"task": "classification", "iterations": 4, "candidates": 60, "top_k": 1, "landmarks": 12}
    settings |= {"engine": "serial", "workers": 1, "quiet": True, "report": False}
    return SearchOptions(**{"data": str(ITALY), "output": str(folder), **settings, **changes})  # type: ignore[arg-type]


def test_landmarks_a_race_and_a_combination(tmp_path: Path) -> None:
    result = search(options(tmp_path / "run"))
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    with Bank(tmp_path / "run" / "bank.sqlite", read_only=True) as bank:
        records = bank.records()
    steps = [record.iterations for record in records]
    encoders = {Genotype.from_dict(dict(record.genotype)).untrained_key for record in records}
    assert steps.count(0) == len(encoders) >= 10  # who has the same one shares its landmark
    assert 0 < steps.count(4) <= steps.count(2) <= 2 and 0 < steps.count(1) <= 4
    members = facts["chosen"]["members"]
    assert 2 <= len(members) <= 4 and sum(member["weight"] for member in members) == pytest.approx(1.0)
    assert result.origin == facts["chosen"]["origin"] == "combination"
    assert [m.genotype.to_dict() for m in load_encoder(tmp_path / "run").members] == [m["genotype"] for m in members]
    methods = [row.name for row in result.rows if not row.baseline]
    assert methods[0] == "chosen" and {"best single encoder", "TS2Vec preset", "random search"} <= {*methods}
    table = pd.read_csv(tmp_path / "run" / "ranking.csv")
    assert table["weight"].sum() == pytest.approx(1.0) and table["posterior"].notna().sum() == 12
    assert "Tried 12 candidates" in result.text and "by members selected on other cases" in result.text
    assert (
        evaluate(EvaluateOptions(str(tmp_path / "run"), str(ITALY), quiet=True)).rows[0].scores == result.rows[0].scores
    )
    one = search(options(tmp_path / "one", members=1))
    assert not load_encoder(tmp_path / "one").members and one.origin != "combination"
    again = search(options(tmp_path / "again"))
    assert [row.scores for row in again.rows] == [row.scores for row in result.rows]


def test_a_ranking_alone_trains_nothing(tmp_path: Path) -> None:
    result = search(options(tmp_path / "run", zero_shot=True))
    assert {file.name for file in (tmp_path / "run").iterdir()} >= {"genotype.json", "ranking.csv", "run.json"}
    assert not (tmp_path / "run" / "encoder.safetensors").exists() and result.rows == ()
    first = pd.read_csv(tmp_path / "run" / "ranking.csv").iloc[0]
    assert first["genotype"] == result.genotype.key and first["status"] == "not tried"
    assert "Nothing was trained" in result.text
    again = search(options(tmp_path / "run", zero_shot=True))
    assert again.genotype == result.genotype and "finished before" in again.text
    with pytest.raises(OptionError, match="zero_shot: nothing is ranked"):
        options(tmp_path / "other", preset="ts2vec", zero_shot=True)


@pytest.fixture
def few_presets() -> Iterator[list[Genotype]]:
    """Four fixed probes are all that is known: what they score says what the second round of landmarks is."""
    known = [preset(name, kind="classification") for name in ("minirocket", "hydra", "values", "dlinear")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nas.choosing.source.portfolio", lambda kind: known)
        yield known


@pytest.mark.usefixtures("few_presets")
def test_a_search_that_is_interrupted_anywhere_ends_as_if_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = search(options(tmp_path / "straight"))
    facts = json.loads((tmp_path / "straight" / "run.json").read_text())
    events = read_json_lines(tmp_path / "straight" / "metrics.jsonl")
    rounds = [(event["round"], event["trials"]) for event in events if event["event"] == "round"]
    assert [name for name, _ in rounds[:2]] == ["landmarks"] * 2 and rounds[0][1] == 10 and rounds[1][1] in (1, 2)
    original, n_calls = trial.train_candidate, 0

    def interrupted(*arguments: Any, **how: Any) -> Trial:
        nonlocal n_calls
        n_calls += 1
        if n_calls in (4, 12, 17):  # in the first and the second round of landmarks, and in a rung
            raise KeyboardInterrupt
        return original(*arguments, **how)

    monkeypatch.setattr(trial, "train_candidate", interrupted)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            search(options(tmp_path / "resumed"))
    monkeypatch.setattr(sys.modules["nas.search_run"], "entrants_of", lambda *_, **__: interrupted_by_user())
    with pytest.raises(KeyboardInterrupt):
        search(options(tmp_path / "resumed"))
    monkeypatch.undo()
    monkeypatch.setattr(features, "find_spec", lambda name: None)
    monkeypatch.setattr(trial, "train_candidate", lambda *_, **__: pytest.fail("tried again"))
    resumed = search(options(tmp_path / "resumed"))
    assert json.loads((tmp_path / "resumed" / "run.json").read_text())["chosen"] == facts["chosen"]
    assert [row.scores for row in resumed.rows] == [row.scores for row in straight.rows]


def interrupted_by_user() -> None:
    raise KeyboardInterrupt
