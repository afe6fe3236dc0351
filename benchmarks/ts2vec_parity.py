"""Compare the `ts2vec` preset with the public TS2Vec code: same data, same probes, both with TS2Vec's iterations.

Usage: python benchmarks/ts2vec_parity.py DATASET ... --task classification --output FILE.csv [--public CHECKOUT]
Without --public only the preset runs. Rows that the file holds already are not run again, so an interrupted
comparison is resumed. The checkout is the folder of the public code, which is no part of this project.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ahc.evaluation.markdown import markdown_table
from downstream import evaluation
from downstream.data import load_task
from downstream.forecasting.ts2vec.scoring import score_test_ts2vec
from downstream.represent import Represent
from downstream.task import Task
from downstream.windows import Windows
from encoders.encoder import Encoder
from nas.net import train_candidate
from nas.representer import Representer
from search_space.presets import preset

FIELDS = ("dataset", "method", "rng_seed", "metric", "value", "seconds")
LARGE = 100_000
"""Training values above which TS2Vec takes 600 iterations instead of 200."""
MAX_STEPS = 3000
"""TS2Vec's longest training cut."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--task", choices=("forecasting", "classification"), required=True)
    parser.add_argument("--output", type=Path, required=True, help="CSV file of results, added to")
    parser.add_argument("--public", type=Path, help="checkout of the public code")
    parser.add_argument("--rng-seeds", nargs="+", type=int, default=[0])
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    methods: dict[str, Callable[[Task, int], Represent]] = {"preset": _train_preset}
    if asked.public is not None:
        sys.path.insert(0, str(asked.public))
        methods["public"] = _train_public
    for path in asked.datasets:
        for rng_seed in asked.rng_seeds:
            for method, train in methods.items():
                name = path.name.split(".")[0]
                if (name, method, str(rng_seed)) in _known(asked.output):
                    continue
                began = time.perf_counter()
                protocol = "ts2vec" if asked.task == "forecasting" else "default"
                task = load_task(str(path), kind=asked.task, protocol=protocol)
                scores = _score(task, train(task, rng_seed))
                seconds = time.perf_counter() - began
                for metric, value in scores.items():
                    _append(asked.output, (name, method, rng_seed, metric, value, round(seconds, 1)))
                print(f"{name} {method} {rng_seed}: {seconds:.0f} s", file=sys.stderr, flush=True)
    found = pd.read_csv(asked.output)
    for metric, rows in found.groupby("metric"):
        wide = rows.pivot_table(index="dataset", columns="method", values="value", aggfunc=["mean", "std", "count"])
        wide.columns = [f"{method} {what}" for what, method in wide.columns]
        wide = wide.dropna(axis="columns", how="all")
        wide.loc["mean"] = wide.mean()
        print(f"\n### {metric}\n\n{markdown_table(wide.rename_axis('dataset').reset_index())}")
    return 0


def _iterations(task: Task) -> int:
    windows = task.training_windows()
    forecasting = task.spec.kind == "forecasting"
    return 600 if forecasting or len(windows) * windows.length * task.n_variates > LARGE else 200


def _train_preset(task: Task, rng_seed: int) -> Represent:
    genotype = preset("ts2vec", kind=task.spec.kind)
    max_steps = None if task.spec.kind == "forecasting" else MAX_STEPS
    trial = train_candidate(genotype, task, iterations=_iterations(task), rng_seed=rng_seed, max_steps=max_steps)
    encoder = Encoder(genotype.encoder, variates=task.n_variates)
    encoder.load_state_dict(trial.weights)
    return Representer(encoder)


def _train_public(task: Task, rng_seed: int) -> Represent:
    from ts2vec import TS2Vec  # type: ignore[import-not-found]  # the checkout is an argument

    np.random.seed(rng_seed)  # noqa: NPY002 - the public code draws from the global generators
    torch.manual_seed(rng_seed)
    if task.spec.kind == "forecasting":
        series: Any = task
        end = series.bounds[0][0]
        data = series.series[0][None, :end]
    else:
        windows = task.training_windows()
        data = windows.gather()
    # TS2Vec's published settings: 8 windows per batch, learning rate 0.001, 320 outputs, sections of at most 3000 steps
    sizes = {"output_dims": 320, "batch_size": 8, "lr": 0.001, "max_train_length": MAX_STEPS}
    model = TS2Vec(input_dims=task.n_variates, device="cpu", **sizes)
    model.fit(data.astype(np.float64), n_iters=_iterations(task))

    def represent(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        assert not mask_last, "only anomaly tasks mask a step"
        parts = []
        for first in range(0, len(windows), 256):
            x = windows.gather(np.arange(first, min(first + 256, len(windows)))).astype(np.float64)
            if task.spec.kind == "forecasting":
                parts.append(model.encode(x)[:, -1:])
            else:
                parts.append(model.encode(x, encoding_window="full_series")[:, None])
        return np.concatenate(parts).astype(np.float32)

    return represent


def _score(task: Task, represent: Represent) -> dict[str, float]:
    opened = task.open_test()
    if task.spec.kind == "forecasting":
        metrics, _ = score_test_ts2vec(task, opened, represent)  # type: ignore[arg-type]  # the kind says it is one
        return {name: value for name, value in metrics.items() if ".mse" in name}
    scores = evaluation.score_test(task, opened, represent)
    return {name: value for name, value in scores.metrics.items() if name.startswith("accuracy")}


def _known(path: Path) -> set[tuple[str, ...]]:
    if not path.exists():
        return set()
    with path.open(newline="") as file:
        return {(row["dataset"], row["method"], row["rng_seed"]) for row in csv.DictReader(file)}


def _append(path: Path, row: tuple[Any, ...]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(FIELDS)
        writer.writerow(row)


if __name__ == "__main__":
    sys.exit(main())
