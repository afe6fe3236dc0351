"""The wish for the same bits reaches every job, wherever it runs, and no job without it."""

import os

import pytest
import torch

from compute.determinism import WORKSPACE
from nas.engines.job import Job
from nas.engines.kept import workers_kept
from nas.engines.run import run_candidates
from nas.engines.settings import EngineSettings


@pytest.mark.parametrize("engine", ["serial", "process"])
def test_it_holds_in_the_jobs_that_are_told_and_in_no_others(engine: str) -> None:
    asked = [Job("on", torch.are_deterministic_algorithms_enabled), Job("workspace", os.getenv, {"key": WORKSPACE})]
    with workers_kept():
        told, others = (
            {
                result.id: result.value
                for result in run_candidates(asked, engine=engine, workers=1, deterministic=deterministic)
            }
            for deterministic in (True, False)
        )
    assert told == {"on": True, "workspace": ":4096:8"}
    assert others == {"on": False, "workspace": os.environ.get(WORKSPACE)}


def test_settings_hand_it_on() -> None:
    chosen = EngineSettings.chosen(engine="serial", workers=1, device="cpu", deterministic=True)
    assert chosen.arguments["deterministic"] is True
