"""What a run tells trackers of experiments, with stand-ins that write down what they are called with."""

from __future__ import annotations

import importlib.machinery
import json
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from downstream.cases import features
from nas.board import trackers
from nas.cli import program as cli
from nas.errors import OptionError, TrackingWarning
from nas.options.search import SearchOptions
from nas.runs.lines import read_json_lines
from nas.search import search
from tests.nas.small_sets import italy

ITALY = italy()


class Calls:
    """Every method writes its call down; one may fail."""

    id = "r1"

    def __init__(self) -> None:
        self.made: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.failing = ""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def called(*given: Any, **named: Any) -> Any:
            self.made.append((name, given, named))
            if name == self.failing:
                raise ConnectionError("no\nnetwork")
            return None if name == "active_run" else self

        return called

    def of(self, name: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        return [(given, named) for called, given, named in self.made if called == name]


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> dict[str, Calls]:
    calls = {name: Calls() for name in trackers.TRACKERS}
    for name, made in calls.items():
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        module.__getattr__ = made.__getattr__  # type: ignore[method-assign]
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.delenv(f"{name.upper()}_PROJECT", raising=False)
    return calls


@pytest.fixture(autouse=True)
def without_minirocket() -> Iterator[None]:
    """Keep the compilation of MiniRocket (half a minute) out; tests/downstream covers it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "find_spec", lambda name: None)
        yield


def options(folder: Path, *names: str) -> SearchOptions:
    facts = {"task": "classification", "preset": "simclr", "iterations": 4, "engine": "serial", "quiet": True}
    return SearchOptions(str(ITALY), output=str(folder), svm=False, track=names, **facts)  # type: ignore[arg-type]


def test_a_run_tells_settings_curves_scores_and_files(tmp_path: Path, stand_ins: dict[str, Calls]) -> None:
    search(options(tmp_path / "run", *trackers.TRACKERS))
    told = [line for line in read_json_lines(tmp_path / "run" / "metrics.jsonl") if line["event"] == "point"]
    points = {(one["trial"], one["iteration"]): one["validation"] for one in told}
    rows = json.loads((tmp_path / "run" / "run.json").read_text())["rows"]
    mlflow, wandb, trackio = (stand_ins[name] for name in ("mlflow", "wandb", "trackio"))

    assert mlflow.of("start_run") == [((), {"run_name": "run", "nested": False})]
    assert mlflow.of("log_params")[0][0][0]["preset"] == "simclr"
    logged = {
        (key.removesuffix("/accuracy"), how["step"]): value
        for (values,), how in mlflow.of("log_metrics")
        for key, value in values.items()
        if key.endswith("/accuracy") and not key.startswith(("test/", "trials/"))
    }
    assert logged == points and len(points) > 8
    final = mlflow.of("log_metrics")[-1][0][0]
    assert not any(one.startswith(f"{other}/") for one in final for other in final)  # a file would be in a file's place
    assert all(final[f"test/{row['method']}/accuracy"] == row["value"] for row in rows)
    files = {Path(path).name for (path,), _ in mlflow.of("log_artifact")}
    assert {"answer.txt", "encoder.safetensors", "scores.csv"} <= files
    assert mlflow.made[-1] == ("end_run", ("FINISHED",), {})

    assert wandb.of("init")[0][1]["project"] == "ts-contrastive-nas" and wandb.of("init")[0][1]["name"] == "run"
    curves = [values for (values,), _ in wandb.of("log") if any(key.endswith("/iteration") for key in values)]
    assert len(curves) == len(told) and wandb.made[-1] == ("finish", (), {"exit_code": 0})
    assert wandb.of("log_artifact")[0][1]["name"].startswith("r1-")
    assert trackio.of("init")[0][1]["config"]["iterations"] == 4
    assert [values for (values,), _ in trackio.of("log") if any(key.endswith("/iteration") for key in values)] == curves
    assert trackio.made[-1] == ("finish", (), {})


@pytest.mark.parametrize(("failing", "n_ends"), [("init", 0), ("log", 1)])
def test_a_tracker_that_fails_is_warned_of_once_and_left(
    failing: str, n_ends: int, tmp_path: Path, stand_ins: dict[str, Calls]
) -> None:
    stand_ins["trackio"].failing = failing
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = search(options(tmp_path / "run", "trackio", "mlflow"))
    said = [str(one.message) for one in caught if issubclass(one.category, TrackingWarning)]
    assert said == ["trackio failed (ConnectionError: no\\nnetwork); the run goes on without it"]
    assert len(stand_ins["trackio"].of(failing)) == 1 and len(stand_ins["trackio"].of("finish")) == n_ends
    assert result.rows and stand_ins["mlflow"].made[-1][0] == "end_run"


def test_a_run_that_is_interrupted_says_so(
    tmp_path: Path, stand_ins: dict[str, Calls], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["nas.search_run"], "verify", interrupt)
    with pytest.raises(KeyboardInterrupt):
        search(options(tmp_path / "run", "mlflow", "wandb"))
    assert stand_ins["mlflow"].made[-1] == ("end_run", ("KILLED",), {})
    assert stand_ins["wandb"].made[-1] == ("finish", (), {"exit_code": 1})
    assert not stand_ins["mlflow"].of("log_artifact")


def test_what_is_missing_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    assert cli.main(["search", str(ITALY), "--output", str(tmp_path / "run"), "--track", "mlflow,wandb"]) == 2
    said = capsys.readouterr().err
    assert said == "tscnas: error: track: mlflow, wandb are not installed; pip install mlflow wandb\n"
    assert not (tmp_path / "run").exists()
    assert cli.main(["search", str(ITALY), "--track", "neptune"]) == 2
    assert "track: must be one of mlflow, wandb, trackio, got 'neptune'" in capsys.readouterr().err


def test_a_package_that_cannot_be_imported_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(OptionError, match="track: wandb does not work"):
        search(options(tmp_path / "run", "wandb"))
