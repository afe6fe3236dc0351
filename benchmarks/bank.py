"""Banks of kernels beside aeon's: accuracy with the same ridge and nearest neighbour, features, seconds on one thread.

    python benchmarks/bank.py SET ... --of minirocket rocket_spectral/16 aeon/minirocket --output FILE.jsonl

A set is a folder with a `_TRAIN` and a `_TEST` file. `--of` takes presets, with `/STEPS` for so many training steps
(the last point counts; no label is seen before the probes), and `aeon/minirocket` or `aeon/multirocket_hydra` (extra
`minirocket`). Rows that the file holds are not run again. `--cases N` draws N training cases anew for each rng_seed.
`--timed` encodes twice and times the second run, ridge included.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ahc.evaluation.markdown import markdown_table
from downstream.cases.features import minirocket
from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.probes.knn import nearest
from downstream.probes.linear import RidgeClassifier, Standardizer
from downstream.represent import features_of
from downstream.windows import Windows
from nas.net import new_trainer
from nas.representer import Representer
from search_space.presets import preset

Floats = NDArray[np.floating]
Features = Callable[[Windows, Windows], tuple[Floats, Floats]]


def main() -> None:
    """Run what is missing and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--of", nargs="+", required=True, metavar="WHAT")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--rng-seeds", type=int, default=1)
    parser.add_argument("--cases", nargs="+", type=int, default=[0], help="training cases; 0 for all")
    parser.add_argument("--timed", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    known = [json.loads(line) for line in asked.output.open()] if asked.output.exists() else []
    done = {(row["set"], row["what"], row["rng_seed"], row["cases"]) for row in known}
    for folder in asked.sets:
        for n_cases in asked.cases:
            for rng_seed in range(asked.rng_seeds):
                missing = [what for what in asked.of if (folder.name, what, rng_seed, n_cases) not in done]
                for what in missing:
                    row = measured(folder, what, rng_seed=rng_seed, n_cases=n_cases, timed=asked.timed)
                    with asked.output.open("a") as file:
                        file.write(json.dumps(row) + "\n")
                    print(row, flush=True)
    rows = pd.DataFrame(json.loads(line) for line in asked.output.open())
    by_set = rows.groupby(["cases", "what", "set"])[["ridge", "nearest", "features", "seconds"]].mean()
    for figure in ("ridge", "nearest"):
        print(f"\n### {figure}\n\n{markdown_table(by_set[figure].unstack('what').round(4).reset_index())}")
    print(f"\n### means\n\n{markdown_table(by_set.groupby(['cases', 'what']).mean().round(4).reset_index())}")


def measured(folder: Path, what: str, *, rng_seed: int, n_cases: int, timed: bool) -> dict[str, object]:
    """Return a row of the file."""
    task = load_task(folder, kind="classification")
    assert isinstance(task, ClassificationTask)
    opened = task.open_test()
    task = some_cases(task.without_test(), n_cases, rng_seed=rng_seed)
    began = time.perf_counter()
    features = aeon_features(what, rng_seed) if what.startswith("aeon/") else trained_features(what, task, rng_seed)
    trained = time.perf_counter()
    for _ in range(1 + timed):
        started = time.perf_counter()
        x, new = features(task.windows, opened.windows)
        standardize = Standardizer.fit(x)
        x, new = standardize(x), standardize(new)
        predicted = RidgeClassifier.fit(x, task.labels, max_rank=None).predict(new)
        seconds = time.perf_counter() - started
    _, neighbours = nearest(new, x)
    return {
        "set": folder.name,
        "what": what,
        "rng_seed": rng_seed,
        "cases": n_cases,
        "ridge": float(np.mean(predicted == opened.labels)),
        "nearest": float(np.mean(task.labels[neighbours[:, 0]] == opened.labels)),
        "features": x.shape[1],
        "seconds": round(seconds, 3),
        "training_seconds": round(trained - began, 3),
    }


def some_cases(task: ClassificationTask, n: int, *, rng_seed: int) -> ClassificationTask:
    """Return the task with `n` of its training cases, at least one of every class; all of them where 0."""
    if not n or n >= len(task.labels):
        return task
    order = np.random.default_rng(rng_seed).permutation(len(task.labels))
    _, firsts = np.unique(task.labels[order], return_index=True)
    rest = [at for at in range(len(order)) if at not in set(firsts.tolist())]
    kept = np.sort(order[[*firsts, *rest][: max(n, len(firsts))]])
    return replace(task, windows=task.windows.subset(kept), labels=task.labels[kept])


def trained_features(what: str, task: ClassificationTask, rng_seed: int) -> Features:
    """Return what encodes cases by a preset after training it."""
    name, _, steps = what.partition("/")
    torch.manual_seed(rng_seed)
    trainer = new_trainer(preset(name), task, rng_seed=rng_seed, device=torch.device("cpu"), max_steps=None)
    for _ in range(int(steps or 0)):
        trainer.step()
    trainer.settle()
    represent = Representer(trainer.encoder)
    return lambda windows, new: (features_of(represent, windows), features_of(represent, new))


def aeon_features(what: str, rng_seed: int) -> Features:
    """Return what encodes cases by aeon."""
    if what == "aeon/minirocket":
        return lambda windows, new: _there(minirocket(windows, new, rng_seed=rng_seed))
    if what != "aeon/multirocket_hydra":
        raise SystemExit(f"--of: unknown, got {what!r}; aeon/minirocket or aeon/multirocket_hydra")
    from aeon.transformations.collection.convolution_based import HydraTransformer, MultiRocket

    def features(windows: Windows, new: Windows) -> tuple[Floats, Floats]:
        length = max(windows.length, new.length, 9)
        both: list[list[Floats]] = [[], []]
        for kind in (MultiRocket, HydraTransformer):
            transform = kind(random_state=rng_seed, n_jobs=1)
            transform.fit(_cube(windows, length))
            for part, found in zip((windows, new), both, strict=True):
                found.append(np.asarray(transform.transform(_cube(part, length))))
        return np.hstack(both[0]), np.hstack(both[1])

    return features


def _there(features: tuple[Floats, Floats] | None) -> tuple[Floats, Floats]:
    if features is None:
        raise SystemExit("the comparison needs aeon (extra minirocket)")
    return features


def _cube(windows: Windows, length: int) -> Floats:
    """Return windows as aeon takes them, padded with zeros; (n, variates, length)."""
    values = np.zeros((windows.n, windows.n_variates, length), dtype=np.float32)
    values[:, :, : windows.length] = np.nan_to_num(windows.gather()).transpose(0, 2, 1)
    return values


if __name__ == "__main__":
    main()
