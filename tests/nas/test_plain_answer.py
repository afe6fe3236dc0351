"""Where validation prefers a plain method, the answer says so, and on request predicts with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from downstream.data import load_task
from downstream.kinds import task_kind
from nas import search_run
from nas.options.search import SearchOptions
from nas.report.verdict import Verdict
from nas.saved.encoder import load_encoder
from nas.saved.predictor import load_predictor
from nas.search import search

PLAIN = {"classification": "raw_series", "regression": "raw_series", "forecasting": "plain_combination"}


def table(kind: str, folder: Path) -> Path:
    rng = np.random.default_rng(0)
    if kind == "forecasting":
        frame = pd.DataFrame({"value": np.sin(np.arange(600) / 5) + 0.1 * rng.normal(size=600)})
    else:
        target = rng.normal(size=60)
        frame = pd.DataFrame(target[:, None] + 0.3 * rng.normal(size=(60, 20)), columns=[f"t{n}" for n in range(20)])
        frame.insert(0, "label", target if kind == "regression" else np.where(target > 0, "up", "down"))
    frame.to_csv(folder / "data.csv", index=False)
    return folder / "data.csv"


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("allowed", [True, False])
def test_a_plain_method_is_handed_over_where_it_wins_and_that_is_allowed(
    kind: str, allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plain(entrants: Any, rows: Sequence[Any]) -> Verdict:
        return Verdict(next(row for row in rows if row.name == PLAIN[kind]))

    monkeypatch.setattr(search_run, "verdict_of", plain)
    file, run = table(kind, tmp_path), tmp_path / "run"
    more = {"horizons": (6,), "window": 24} if kind == "forecasting" else {}
    options = {"task": kind, "preset": "simclr", "iterations": 1, "engine": "serial", "workers": 1, "quiet": True}
    result = search(
        SearchOptions(data=str(file), output=str(run), allow_baseline=allowed, svm=False, **options, **more)
    )
    assert result.text.startswith(f"Use {PLAIN[kind]}, a plain method that validation puts before the encoder")
    assert ("--allow-baseline hands it over" in result.text) is not allowed
    recommended = json.loads((run / "run.json").read_text())["chosen"]["recommended"]
    assert recommended == {"method": PLAIN[kind], "level": None, "handed_over": allowed}
    predictor = load_predictor(run / "predictor.safetensors", kind=kind)
    task = load_task(file, kind=kind, **more)
    ours = task.kind.fit_plain(task, PLAIN[kind], rng_seed=0)
    same = set(predictor.facts) == set(ours.facts) and all(
        predictor.tensors[name].shape == tensor.shape and np.allclose(predictor.tensors[name], tensor, atol=1e-5)
        for name, tensor in ours.tensors.items()
    )
    assert same is allowed
    if kind == "classification" and allowed:
        opened = task.open_test()
        scaled = [SimpleNamespace(values=one) for one in opened.windows.gather()]
        said = predictor.predict(load_encoder(run).representer("cpu"), scaled)
        right = np.mean(said == task.class_labels.values[opened.labels])
        assert right == pytest.approx(next(row for row in result.rows if row.name == "raw_series").scores.value)


def test_methods_that_cannot_be_saved_are_not_fitted() -> None:
    for kind in PLAIN:
        assert task_kind(kind).fit_plain(None, "minirocket", rng_seed=0) is None
    assert not hasattr(task_kind("anomaly"), "fit_plain")
