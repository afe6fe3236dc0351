"""What a search hands over beside its encoder: what predicts with it, fitted on training and validation rows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from downstream.cases import features
from downstream.classification import predictor as classes
from downstream.data import load_task
from downstream.kinds import KINDS
from downstream.scaling import Scaled
from downstream.task import Task
from nas.budget.search_budget import SearchBudget
from nas.options.search import SearchSettings
from nas.representer import Representer
from nas.saved.encoder import load_encoder
from nas.saved.predictor import USES, load_predictor
from nas.search import search_task


@pytest.fixture(scope="module", autouse=True)
def without_minirocket() -> Iterator[None]:
    """Keep the compilation of MiniRocket (half a minute) out; tests/downstream covers it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "find_spec", lambda name: None)
        yield


def task_of(kind: str, **how: Any) -> Task:
    rng = np.random.default_rng(0)
    if kind in ("forecasting", "anomaly"):
        wave = np.sin(np.arange(500) / 4)
        frame = pd.DataFrame({"a": wave + rng.normal(size=500) / 9, "b": 5 * wave + rng.normal(size=500) / 9})
        return load_task(frame, kind=kind, window=16, horizons=4 if kind == "forecasting" else None, **how)
    x = rng.normal(size=(40, 1, 20)) + np.arange(40)[:, None, None] % 2
    y = np.arange(40) % 2 if kind == "classification" else x.mean(axis=(1, 2))
    return load_task((x[:30], y[:30], x[30:], y[30:]), kind=kind, **how)


def settings(folder: Path, **changes: object) -> SearchSettings:
    how = {"preset": "simclr", "iterations": 2, "engine": "serial", "workers": 1, "quiet": True, "rng_seed": 3,
           "report": False}  # fmt: skip
    return SearchSettings(output=str(folder), **{**how, **changes})  # type: ignore[arg-type]


def predictions(folder: Path, task: Task, *, fitted: bool = False) -> np.ndarray:
    """Return what the folder's predictor says of two series; `fitted`: what one says that is fitted here instead."""
    represent = Representer(load_encoder(folder).encoder, device="cpu")
    predictor = load_predictor(folder / "predictor.safetensors", kind=task.spec.kind)
    if fitted:
        predictor = task.kind.fit_predictor(task.without_test(), represent, rng_seed=3)
    values = np.random.default_rng(1).normal(size=(2, 60, task.n_variates)).astype(np.float32)
    unit = np.ones(task.n_variates)
    return np.asarray(predictor.predict(represent, [Scaled(each, 0 * unit, unit) for each in values]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_run_folder_holds_what_predicts(kind: str, tmp_path: Path) -> None:
    text = search_task(task_of(kind), settings(tmp_path / "run")).text
    np.testing.assert_array_equal(
        predictions(tmp_path / "run", task_of(kind)), predictions(tmp_path / "run", task_of(kind), fitted=True)
    )
    assert "encoder.safetensors, predictor.safetensors, genotype.json" in text
    assert (kind in USES) == any(f"tscnas {use.verb} {tmp_path}" in text for use in USES.values())


def test_it_is_fitted_without_a_test_part_too(tmp_path: Path) -> None:
    task = task_of("forecasting", splits=(0.7, 0.3, 0))
    assert not task.has_test
    result = search_task(task, settings(tmp_path / "run"))
    assert result.rows[0].scores.settings["part"] == "validation (the data has no test part)"
    assert predictions(tmp_path / "run", task).shape == (2, 2, 4)


def test_it_never_sees_the_test_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Task] = []
    fit = classes.fit

    def watched(task: Any, represent: Any, *, rng_seed: int) -> Any:
        seen.append(task)
        return fit(task, represent, rng_seed=rng_seed)

    monkeypatch.setattr(classes, "fit", watched)
    search_task(task_of("classification"), settings(tmp_path / "run"))
    assert len(seen) == 1 and not seen[0].has_test
    assert (tmp_path / "run" / "predictor.safetensors").is_file()


def test_what_cannot_be_fitted_is_said_and_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise FloatingPointError("not finite")

    with monkeypatch.context() as patch:
        patch.setattr(classes, "fit", fails)
        text = search_task(task_of("classification"), settings(tmp_path / "run")).text
    assert "There is no predictor.safetensors: fitting it failed (FloatingPointError: not finite)." in text
    assert not (tmp_path / "run" / "predictor.safetensors").exists()
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["rows"][0]["settings"].get("part") is None  # the scores are there
    search_task(task_of("classification"), settings(tmp_path / "run", overwrite=True))
    assert (tmp_path / "run" / "predictor.safetensors").exists()
    with monkeypatch.context() as patch:
        patch.setattr(classes, "fit", fails)
        search_task(task_of("classification"), settings(tmp_path / "run", overwrite=True))
    assert not (tmp_path / "run" / "predictor.safetensors").exists()  # one of another encoder would be worse than none


def test_a_budget_that_leaves_no_time_for_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SearchBudget, "verification_ends", property(lambda self: time.monotonic()))
    text = search_task(task_of("classification"), settings(tmp_path / "run", time_budget=300.0)).text
    assert "- Time budget 300 s: no predictor; no scores on test\n" in text
    assert "There is no predictor.safetensors: there was no time to fit it." in text
    assert "Scores on validation (there was no time for the test)" in text


def test_a_slow_predictor_costs_no_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        time.sleep(60)

    monkeypatch.setattr(SearchBudget, "verification_ends", property(lambda self: time.monotonic() + 6.0))
    monkeypatch.setattr(classes, "fit", slow)
    result = search_task(task_of("classification"), settings(tmp_path / "run", time_budget=300.0))
    assert result.rows[0].scores.settings.get("part") is None
    assert "no predictor" in result.text and "there was no time to fit it" in result.text
