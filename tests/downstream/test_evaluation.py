"""The one door: every kind of task is scored by its module, and importing it stays light."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from downstream import baselines, evaluation
from downstream.data import load_task
from downstream.task import KINDS, METRICS
from downstream.windows import Windows


def mean_and_last(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
    x = np.nan_to_num(windows.gather())
    x = x[:, :-1] if mask_last else x
    return np.stack([x.mean(axis=1), x[:, -1]], axis=2)


def make(kind: str):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    if kind == "forecasting":
        return load_task(
            rng.normal(size=(600, 2)).cumsum(axis=0), kind=kind, name="walk", layout="ntc", horizons=(2, 4), window=16
        )
    if kind == "anomaly":
        return load_task(rng.normal(size=(900, 2)), kind=kind, name="noise", layout="ntc", window=8)
    labels = np.arange(60) % 2
    values = rng.normal(size=(60, 2, 20)) + labels[:, None, None]
    return load_task((values, labels), kind=kind, name="levels")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_validated_with_its_metric(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "find_spec", lambda name: None)  # compiling MiniRocket takes half a minute
    task = make(kind)
    score = evaluation.validate(task, mean_and_last)
    assert (score.metric, score.higher_is_better) == METRICS[kind]
    assert np.isfinite(score.value)
    assert score == evaluation.validate(task, mean_and_last)
    if task.has_test:
        opened = task.open_test()
        scores = evaluation.test(task, opened, mean_and_last)
        assert scores.metric == score.metric
        for name, row in evaluation.baselines(task, opened).items():
            assert row.metric == score.metric, name
            assert row.protocol["dataset"] == task.spec.name


def test_importing_the_door_does_not_import_torch() -> None:
    code = "import sys, downstream.evaluation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
