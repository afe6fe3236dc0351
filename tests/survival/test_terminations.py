"""SIGTERM and a second Ctrl-C: a command ends within two seconds, in whatever stage and engine, in native code too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ITALY = str(ROOT / "examples" / "data" / "ItalyPowerDemand")
STUCK = Path(__file__).parent / "jobs" / "stuck.py"
STAGES = {
    "read": "nas.search:load_task",
    "choose": "nas.search:named_candidate",
    "train": "nas.trials.trial:run_trial",
    "verify": "nas.verification:_score_saved",
    "hand over": "nas.search_run:answer_text",
}
SEARCH = ["search", ITALY, "--task", "classification", "--iterations", "2", "--candidates", "40", "--top-k", "1",
          "--preset", "ts2vec", "--workers", "1", "--output", "run"]  # fmt: skip
COMMANDS = {
    "evaluate": (["evaluate", "encoder", ITALY], "nas.cli.encoders.evaluate:load_encoder"),
    "finetune": (["finetune", "encoder", ITALY], "nas.cli.encoders.finetune:load_encoder"),
    "embed": (["embed", "encoder", ITALY], "nas.cli.encoders.embed:load_encoder"),
    "seeds": (["seeds", "tasks.yaml"], "nas.seeding.seeds:read_manifest"),
    "ahc": (["ahc", "bank.sqlite"], "nas.seeding.comparator:train_ahc"),
}


def seconds_to_end(
    words: list[str], where: str, folder: Path, *, signals: list[signal.Signals], work: str = "for_minutes"
) -> float:
    """Start a command that gets stuck, send it signals, and return how long it lived on."""
    begun = folder / "begun"
    paths = {"PYTHONPATH": f"{STUCK.parent}{os.pathsep}{ROOT}", "STUCK": str(begun), "WHERE": where, "WORK": work}
    driver = subprocess.Popen(
        [sys.executable, str(STUCK), *words, "--quiet"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **paths, "OMP_NUM_THREADS": "1", "RAY_ADDRESS": "local"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        limit = time.monotonic() + 120.0
        while not (begun.exists() and begun.read_text()):
            assert time.monotonic() < limit and driver.poll() is None, driver.communicate()
            time.sleep(0.02)
        time.sleep(0.2)
        start = time.monotonic()
        for number in signals:
            driver.send_signal(number)
            time.sleep(0.05)
        driver.wait(timeout=60)
        seconds = time.monotonic() - start
        _, err = driver.communicate(timeout=60)  # the engine's server has it open for a moment longer
    finally:
        driver.kill()
    assert driver.returncode == 130 and "interrupted" in err and "Traceback" not in err, err
    return seconds


def machine_is_late() -> float:
    """Return the seconds that this machine takes to start an interpreter: what its load may add to anything."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.monotonic() - start


def survive(*values: str) -> Any:
    """Return a case of the long form only: the others of its kind show the same in seconds."""
    return pytest.param(*values, marks=pytest.mark.survive)


@pytest.mark.parametrize("engine", ["serial", survive("process")])
@pytest.mark.parametrize("stage", ["read", "train", *map(survive, ("choose", "verify", "hand over"))])
def test_a_search_that_is_terminated(stage: str, engine: str, tmp_path: Path) -> None:
    words = [
        *SEARCH,
        "--engine",
        engine,
    ]
    seconds = seconds_to_end(words, STAGES[stage], tmp_path, signals=[signal.SIGTERM])
    assert seconds < 2.0 + machine_is_late()


# the process engine leaves a verification at the first one
@pytest.mark.parametrize(("stage", "engine"), [survive("train", "serial"), ("train", "process"), ("verify", "serial")])
def test_a_search_after_a_second_ctrl_c(stage: str, engine: str, tmp_path: Path) -> None:
    words = [*SEARCH, "--engine", engine]
    seconds = seconds_to_end(words, STAGES[stage], tmp_path, signals=[signal.SIGINT, signal.SIGINT])
    assert seconds < 2.0 + machine_is_late()


@pytest.mark.survive
@pytest.mark.parametrize("verb", COMMANDS)
def test_another_command_that_is_terminated(verb: str, tmp_path: Path) -> None:
    words, where = COMMANDS[verb]
    assert seconds_to_end(words, where, tmp_path, signals=[signal.SIGTERM]) < 2.0 + machine_is_late()


def test_a_search_that_is_terminated_in_a_support_vector_machine(tmp_path: Path) -> None:
    words = [*SEARCH, "--engine", "serial"]
    signals = [signal.SIGTERM]
    seconds = seconds_to_end(words, STAGES["verify"], tmp_path, signals=signals, work="in_a_support_vector_machine")
    assert seconds < 2.0 + machine_is_late()


@pytest.mark.survive
def test_a_search_on_ray_that_is_terminated(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    seconds = seconds_to_end([*SEARCH, "--engine", "ray"], STAGES["train"], tmp_path, signals=[signal.SIGTERM])
    assert seconds < 2.0 + machine_is_late()
