"""Candidates that a task cannot train are never drawn, and refused with the rule where the user names one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from downstream.data import load_task
from downstream.task import Task
from nas.errors import OptionError
from nas.options.search import SearchOptions
from search_space.genotype.requirements import unmet
from search_space.presets import preset
from tests.nas.choosing.first_wishes import first_wishes, source_of


@pytest.fixture
def task() -> Task:
    """Windows of one step: temporal pairs have nothing to tell apart."""
    frame = pd.DataFrame({"a": np.sin(np.arange(300) / 5)})
    return load_task(frame, kind="forecasting", name="waves", window=1, horizons=(4,))


def test_a_named_genotype_that_cannot_be_trained_is_refused_with_the_rule(task: Task, tmp_path: Path) -> None:
    genotype = preset("ts2vec").to_dict()
    genotype["PairCell"] = {"temporal": True, "pool": "max", "kernel": 0}
    (tmp_path / "genotype.json").write_text(json.dumps(genotype))
    options = SearchOptions("waves.csv", genotype=str(tmp_path / "genotype.json"))
    with pytest.raises(OptionError, match=r"waves: .*pair 'temporal' needs time >= 2, and there is 1"):
        source_of(task, options)


def test_what_is_drawn_can_be_trained(task: Task) -> None:
    found = first_wishes(task, SearchOptions("waves.csv", candidates=50, landmarks=20))
    n_windows = len(task.training_windows())
    assert found.keys() == {"searched", "random"}
    for genotype in (genotype for group in found.values() for genotype in group):
        assert unmet(genotype, windows=n_windows, steps=1, variates=1) == ()
