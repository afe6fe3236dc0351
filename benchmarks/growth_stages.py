"""The stages of one size, measured in this process: what `growth.py` starts.

Usage: python benchmarks/growth_stages.py length|variates|cases|candidates SIZE [--memory-budget 500MB]
Prints an object of JSON per stage.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from ahc.checkpoint import load_comparator
from ahc.comparator import TaskView
from ahc.ranking import rank_candidates
from ahc.task_embedding import embed_task
from compute.memory import memory_budget
from downstream import evaluation
from downstream.data import load_task
from downstream.probes.knn import nearest
from downstream.represent import represent_series
from downstream.task import Task
from nas.net import new_trainer
from nas.options.fields import n_bytes
from nas.representer import Representer
from search_space.drawing import sample_columns
from search_space.genotype import Genotype
from search_space.presets import preset

WINDOW, HORIZON, STEPS_OF_VARIATES = 96, 24, 5_000
TOP = 64


def resident(name: str) -> float:
    """Return `VmRSS` or `VmHWM` of this process in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024 / 1e6


class Stages:
    """Measures stages one after the other against the memory of now."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._base, self._quiet = resident("VmRSS"), quiet

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measure a stage and print it."""
        Path("/proc/self/clear_refs").write_text("5")  # the largest resident set begins anew
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        found = {
            "stage": name,
            "wall_seconds": round(time.perf_counter() - wall, 4),
            "cpu_seconds": round(time.process_time() - cpu, 4),
            "peak_mb": round(max(resident("VmHWM") - self._base, 0.0), 2),
        }
        if not self._quiet:
            print(json.dumps(found), flush=True)


def small_encoder(kind: str) -> Genotype:
    """Return TS2Vec with 16 hidden and 32 output features, channels apart from each other."""
    whole = preset("ts2vec", kind=kind)
    cell = dataclasses.replace(whole.encoder, hidden=16, output=32, channels="independent", readout="last")
    return dataclasses.replace(whole, encoder=cell)


def series(n_steps: int, n_variates: int) -> np.ndarray:
    """Return daily waves with noise, (steps, variates)."""
    rng = np.random.default_rng(0)
    phases = rng.uniform(0, 2 * np.pi, n_variates)
    values = np.sin(np.arange(n_steps)[:, None] * (2 * np.pi / 24) + phases) + 0.3 * rng.normal(
        size=(n_steps, n_variates)
    )
    return np.asarray(values, dtype=np.float32)


def write_series(path: Path, values: np.ndarray) -> None:
    """Write a CSV file with a header."""
    header = ",".join(f"v{at}" for at in range(values.shape[1]))
    np.savetxt(path, values, fmt="%.4f", delimiter=",", header=header, comments="")


def write_cases(path: Path, n: int) -> None:
    """Write two classes of waves that differ in their frequency."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    waves = np.sin(np.arange(WINDOW) * (0.2 + 0.05 * labels[:, None])) + rng.normal(size=(n, WINDOW))
    np.savez(path, X=waves[:, None].astype(np.float32), y=labels)


def one_step(genotype: Genotype, task: Task) -> Representer:
    """Take one training step and return what its encoder offers."""
    trainer = new_trainer(genotype, task, rng_seed=0, device=torch.device("cpu"), max_steps=None)
    trainer.step()
    return Representer(trainer.encoder)


def of_series(n_steps: int, n_variates: int, *, folder: Path, quiet: bool = False) -> None:
    """Measure a series from reading it to the test of its forecasts."""
    write_series(folder / "s.csv", series(n_steps, n_variates))
    stages = Stages(quiet=quiet)
    with stages("read"):
        task = load_task(folder / "s.csv", kind="forecasting", window=WINDOW, horizons=(HORIZON,))
    with stages("task embedding"):
        embed_task(task)
    with stages("training step"):
        represent = one_step(small_encoder("forecasting"), task)
    with stages("represent"):
        represent_series(represent, task.series[0], window=WINDOW)
    with stages("label probe"):
        evaluation.validate(task, represent)
    opened = task.open_test()
    with stages("probes and test"):
        evaluation.score_test(task, opened, represent)


def of_cases(n: int, *, folder: Path, quiet: bool = False) -> None:
    """Measure a set of labelled cases."""
    write_cases(folder / "c.npz", n)
    stages = Stages(quiet=quiet)
    with stages("read"):
        task = load_task(folder / "c.npz", kind="classification")
    with stages("task embedding"):
        embed_task(task)
    with stages("training step"):
        represent = one_step(small_encoder("classification"), task)
    with stages("represent"):
        z = represent(task.windows)
    with stages("label probe"):
        evaluation.validate(task, represent)
    flat = z.reshape(len(z), -1)
    with stages("nearest of 1,000"):
        nearest(flat[:1000], flat)


def of_candidates(n: int) -> None:
    """Measure drawing and ranking, as `benchmarks/ranking.py` does."""
    comparator = load_comparator()
    task = TaskView(np.random.default_rng(0).normal(size=comparator.settings.task_features).astype(np.float32))
    rank_candidates(comparator, sample_columns(100, np.random.default_rng(1)), task, top_k=TOP)
    stages = Stages()
    with stages("draw"):
        columns = sample_columns(n, np.random.default_rng(0))
    with stages("rank"):
        rank_candidates(comparator, columns, task, top_k=TOP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dimension", choices=("length", "variates", "cases", "candidates"))
    parser.add_argument("size", type=int)
    parser.add_argument("--memory-budget", type=n_bytes)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, memory_budget(asked.memory_budget):
        home = Path(folder)
        if asked.dimension == "candidates":
            of_candidates(asked.size)
        elif asked.dimension == "cases":
            of_cases(20, folder=home, quiet=True)  # loads what is loaded when it is first needed
            of_cases(asked.size, folder=home)
        else:
            of_series(700, 1, folder=home, quiet=True)
            by_length = asked.dimension == "length"
            of_series(asked.size if by_length else STEPS_OF_VARIATES, 1 if by_length else asked.size, folder=home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
