"""A bank of kernels against MiniRocket: accuracy with the same ridge, and seconds of encoding and ridge on one thread.

    python benchmarks/bank.py SET [SET ...] [--preset minirocket] [--rng-seeds 3] [--iterations 0]

A set is a folder with a `_TRAIN` and a `_TEST` file. With iterations the bank is trained first; the last point counts,
and no label is seen before the ridge. Needs aeon (extra `minirocket`). Of two runs of each the second is timed.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.cases.features import minirocket
from downstream.cases.task import LabelledWindows
from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.probes.knn import nearest
from downstream.probes.linear import RidgeClassifier, Standardizer
from downstream.represent import features_of
from encoders.encoder import Encoder
from nas.net import new_trainer
from nas.representer import Representer
from search_space.presets import preset

_Result = TypeVar("_Result")
Floats = NDArray[np.floating]


def main() -> None:
    """Print a row per set, and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--preset", default="minirocket")
    parser.add_argument("--rng-seeds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("set, ridge: bank (sd), MiniRocket; nearest neighbour: bank, MiniRocket; seconds: bank, MiniRocket, ratio")
    rows = []
    for folder in arguments.sets:
        row, spread = compare(folder, name=arguments.preset, rng_seeds=arguments.rng_seeds, steps=arguments.iterations)
        rows.append(row)
        print(f"{folder.name}: {_words(row, spread)}", flush=True)
    print(f"mean of {len(rows)}: {_words(np.mean(rows, axis=0), 0.0)}")


def compare(folder: Path, *, name: str, rng_seeds: int, steps: int) -> tuple[Floats, float]:
    """Return accuracies and seconds on one set, and the deviation of the bank's accuracy over its rng_seeds.

    Returns:
        Ridge of bank and MiniRocket, nearest neighbour of both, seconds of both; (6,).
    """
    task = load_task(folder, kind="classification")
    assert isinstance(task, ClassificationTask)
    opened = task.open_test()
    closed = task.without_test()
    banks, theirs = [], []
    for rng_seed in range(rng_seeds):
        trainer = new_trainer(preset(name), closed, rng_seed=rng_seed, device=torch.device("cpu"), max_steps=None)
        for _ in range(steps):
            trainer.step()
        ours, seconds = _timed(lambda: _bank(trainer.encoder, closed, opened))  # noqa: B023 - called at once
        banks.append((*ours, seconds))
        rival, seconds = _timed(lambda: _minirocket(closed, opened, rng_seed=rng_seed))  # noqa: B023 - called at once
        theirs.append((*rival, seconds))
    bank, rocket = np.asarray(banks), np.asarray(theirs)
    pairs = zip(bank.mean(axis=0), rocket.mean(axis=0), strict=True)
    return np.asarray([value for pair in pairs for value in pair]), float(bank[:, 0].std())


def _bank(encoder: Encoder, task: ClassificationTask, opened: LabelledWindows) -> tuple[float, float]:
    represent = Representer(encoder)
    return _accuracies(features_of(represent, task.windows), features_of(represent, opened.windows), task, opened)


def _minirocket(task: ClassificationTask, opened: LabelledWindows, *, rng_seed: int) -> tuple[float, float]:
    features = minirocket(task.windows, opened.windows, rng_seed=rng_seed)
    if features is None:
        raise SystemExit("the comparison needs aeon")
    return _accuracies(*features, task, opened)


def _accuracies(x: Floats, new: Floats, task: ClassificationTask, opened: LabelledWindows) -> tuple[float, float]:
    """Return the accuracy of the ridge and of the nearest neighbour."""
    standardize = Standardizer.fit(x)
    x, new = standardize(x), standardize(new)
    predicted = RidgeClassifier.fit(x, task.labels, max_rank=None).predict(new)
    _, neighbours = nearest(new, x)
    closest = task.labels[neighbours[:, 0]]
    return float(np.mean(predicted == opened.labels)), float(np.mean(closest == opened.labels))


def _timed(run: Callable[[], _Result]) -> tuple[_Result, float]:
    run()
    began = time.perf_counter()
    result = run()
    return result, time.perf_counter() - began


def _words(row: Floats, spread: float) -> str:
    ridge, rival, near, near_rival, seconds, rival_seconds = row
    deviation = f" ({spread:.4f})" if spread else ""
    return (
        f"{ridge:.4f}{deviation} {rival:.4f}; {near:.4f} {near_rival:.4f}; "
        f"{seconds:.2f} {rival_seconds:.2f} {seconds / rival_seconds:.2f}"
    )


if __name__ == "__main__":
    main()
