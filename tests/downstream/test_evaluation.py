"""The one door: every kind of task is scored by its module, and importing it stays light."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from downstream import evaluation
from downstream.cases import features
from downstream.kinds import KINDS, task_kind


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_validated_with_its_metric(
    kind: str, tasks: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "find_spec", lambda name: None)  # compiling MiniRocket takes half a minute
    task = tasks.make(kind)
    score = evaluation.validate(task, tasks.mean_and_last)
    assert (score.metric, score.higher_is_better) == (task_kind(kind).metric, task_kind(kind).higher_is_better)
    assert np.isfinite(score.value)
    assert score == evaluation.validate(task, tasks.mean_and_last)
    if task.has_test:
        opened = task.open_test()
        scores = evaluation.score_test(task, opened, tasks.mean_and_last)
        assert scores.metric == score.metric
        for name, row in evaluation.baselines(task, opened).items():
            assert row.metric == score.metric, name
            assert row.protocol["dataset"] == task.spec.name


def test_importing_the_door_does_not_import_torch() -> None:
    code = "import sys, downstream.evaluation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
