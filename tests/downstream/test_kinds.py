"""Kinds are registered: each keeps the promises of its registration, and asking for a flag costs nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import downstream
from downstream.kinds import KINDS, TaskKind, task_kind
from downstream.scaling import Scaled
from downstream.task import TaskSpec


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_a_folder_with_a_registration(name: str) -> None:
    kind = task_kind(name)
    assert isinstance(kind, TaskKind) and kind.name == name
    assert kind is import_module(f"downstream.{name}.kind").KIND
    assert kind.score_range[0] < kind.score_range[1]
    assert (kind.estimator_type in ("classifier", "regressor")) == kind.whole_cases


def test_every_folder_with_a_registration_is_listed() -> None:
    folders = {path.parent.name for path in Path(downstream.__file__).parent.glob("*/kind.py")}
    assert folders == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_loads_its_own_task_with_its_metric(name: str, tasks: SimpleNamespace) -> None:
    task = tasks.make(name)
    assert task.kind is task_kind(name)
    spec = task.spec
    assert (spec.kind, spec.metric, spec.higher_is_better) == (name, task.kind.metric, task.kind.higher_is_better)
    assert task.kind.whole_cases == (task.training_windows().n == len(getattr(task, "windows", ())))


@pytest.mark.parametrize("name", KINDS)
def test_predictors_come_back_from_facts_and_tensors(name: str, tasks: SimpleNamespace) -> None:
    task = tasks.make(name)
    windows = task.training_windows().gather()
    scale = np.zeros(windows.shape[2]), np.ones(windows.shape[2])
    series = [Scaled(windows[0], *scale), Scaled(windows[-1], *scale)]
    predictor = task.kind.fit_predictor(task.without_test(), tasks.mean_and_last, rng_seed=0)
    restored = task.kind.restore_predictor(predictor.facts, predictor.tensors)
    first, second = predictor.predict(tasks.mean_and_last, series), restored.predict(tasks.mean_and_last, series)
    np.testing.assert_array_equal(first, second)
    assert len(first) == 2

    for missing in ({*predictor.facts} | {*predictor.tensors}) - {"dtype"}:
        rest = [
            {key: value for key, value in each.items() if key != missing}
            for each in (predictor.facts, predictor.tensors)
        ]
        with pytest.raises((KeyError, ValueError, TypeError)):
            task.kind.restore_predictor(*rest)


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match=r"kind must be one of forecasting, .*, got 'ranking'"):
        task_kind("ranking")


def test_a_spec_takes_its_metric_from_the_kind() -> None:
    spec = TaskSpec.of("anomaly", name="set", family=None, window=8, protocol=("a", "b"))
    assert (spec.metric, spec.higher_is_better, spec.raw_lags, spec.family) == ("auc_pr", True, 8, "set")
    assert spec.protocol == "a; b"


def test_asking_for_names_and_flags_imports_nothing_heavy() -> None:
    code = (
        "import sys, downstream.kinds as k; [k.task_kind(name).metric for name in k.KINDS]; "
        "sys.exit(any(name in sys.modules for name in ('numpy', 'pandas', 'torch', 'search_space')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
