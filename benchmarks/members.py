"""Whom a combination should begin with: presets and blind draws, on cases that are pooled and split anew.

    python benchmarks/members.py SET ... --output FOLDER --rng-seeds 2

A set is a folder with a `_TRAIN` and a `_TEST` file. Of its pooled cases as many are drawn for training as the official
part has, at most 250 and 70 %, at least one of each class; at most 500 others are the test. FOLDER keeps what ridges
say of cases held out and of the test, a file for each set and rng_seed that is not made again; aeon's MultiRocket and
Hydra are among them (extra `minirocket`). The table compares ways to begin, and what is selected besides.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from bank import aeon_features
from numpy.typing import NDArray

from ahc.evaluation.markdown import markdown_table
from downstream.cases.features import minirocket
from downstream.cases.spans import spans_of
from downstream.classification.ridges import RidgeSum
from downstream.classification.scoring import folds_tell, held_out_losses, held_out_scores
from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.probes.spans import Spans
from downstream.represent import features_of
from downstream.windows import Windows
from nas.choosing.candidates import space_for
from nas.choosing.cost_limits import affordable
from nas.combining.selection import ADDITIONS, select
from nas.net import new_trainer
from nas.representer import Representer
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from search_space.presets import preset

Floats = NDArray[np.floating]
BANKS = ("hydra", "minirocket", "rocket_contrastive", "multirocket", "multirocket_hydra", "rocket_spectral")
NAMED = (
    *BANKS,
    "hydra_spectral",
    "hydra_spectral/16",
    "rocket_spectral/16",
    "values",
    "ts2vec",
    "rocket_patches",
    "simclr",
)
BEGINNINGS = (
    ("hydra", "minirocket", "rocket_contrastive"),
    ("hydra",),
    ("hydra", "minirocket"),
    ("hydra", "multirocket"),
    ("hydra", "multirocket_hydra"),
    ("hydra", "multirocket", "rocket_contrastive"),
    ("hydra", "multirocket", "hydra_spectral/16"),
    ("multirocket_hydra",),
)
RIVALS = ("aeon/minirocket", "aeon/multirocket_hydra")
MOST_TRAINING, MOST_TEST, DRAWS, DRAWN = 250, 500, 10, 120


def main() -> None:
    """Make what is missing and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--rng-seeds", type=int, nargs="+", default=[0])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    asked.output.mkdir(parents=True, exist_ok=True)
    rows = []
    for rng_seed in asked.rng_seeds:
        for folder in asked.sets:
            train, test, truth = split(folder, rng_seed=rng_seed)
            file = asked.output / f"{folder.name}-{rng_seed}.npz"
            if not file.exists():
                np.savez_compressed(file, **said_of(train, test, rng_seed=rng_seed))  # type: ignore[arg-type]
                print(f"{folder.name} {rng_seed}", flush=True)
            with np.load(file) as arrays:
                rows.append({"set": folder.name, **accuracies(train, truth, dict(arrays.items()))})
    table = pd.DataFrame(rows).groupby("set").mean()
    gaps = table.sub(table[RIVALS[1]], axis=0)
    error = gaps.std(ddof=1) / np.sqrt(len(gaps))
    counts = {"above": (gaps > 0).sum(), "below": (gaps < 0).sum()}
    summary = pd.DataFrame({"mean": table.mean(), f"less {RIVALS[1]}": gaps.mean(), "standard error": error, **counts})
    print(markdown_table(summary.round(4).rename_axis(f"{len(table)} sets").reset_index()))


def split(folder: Path, *, rng_seed: int) -> tuple[ClassificationTask, Windows, NDArray[np.int64]]:
    """Return the training part, and windows and classes of the test part."""
    official, task = load_task(folder, kind="classification"), load_task(folder, kind="classification", pool_test=True)
    assert isinstance(task, ClassificationTask) and isinstance(official, ClassificationTask)
    order = np.random.default_rng(100 + rng_seed).permutation(len(task.labels))
    _, firsts = np.unique(task.labels[order], return_index=True)
    order = np.concatenate([order[firsts], np.delete(order, firsts)])
    n = min(len(official.labels), MOST_TRAINING, int(0.7 * len(order)))
    chosen, others = np.sort(order[:n]), np.sort(order[n : n + MOST_TEST])
    train = replace(task, windows=task.windows.subset(chosen), labels=task.labels[chosen])
    return train, task.windows.subset(others), task.labels[others]


def said_of(train: ClassificationTask, test: Windows, *, rng_seed: int) -> dict[str, Floats]:
    """Return what ridges say of cases held out, `v:NAME`, and of the test, `t:NAME`, (cases, classes)."""
    said: dict[str, Floats] = {}
    for name, genotype, steps in candidates(train, rng_seed=rng_seed):
        said |= said_by(genotype, train, test, name=name, steps=steps, rng_seed=rng_seed)
    for name in RIVALS:
        features = partial(minirocket, rng_seed=rng_seed) if name == RIVALS[0] else aeon_features(name, rng_seed)
        found = features(train.windows, test)
        assert found is not None, "the comparison needs aeon (extra minirocket)"
        said |= _ridge(name, train, Spans.of(found[0].astype(np.float32)), found[1].astype(np.float32), rng_seed)
    return said


def candidates(task: ClassificationTask, *, rng_seed: int) -> Iterator[tuple[str, Genotype, int]]:
    """Yield name, genotype and training steps of the presets, and of blind draws that a search would afford."""
    for name in NAMED:
        base, _, steps = name.partition("/")
        yield name, preset(base, kind="classification"), int(steps or 0)
    drawn = sample_candidates(DRAWN, np.random.default_rng(7 + rng_seed), space_for(task))
    for at, genotype in enumerate([*filter(affordable(task), drawn)][:DRAWS]):
        yield f"draw{at}", genotype, 0


def said_by(
    genotype: Genotype, train: ClassificationTask, test: Windows, *, name: str, steps: int = 0, rng_seed: int
) -> dict[str, Floats]:
    """Return what a ridge on one encoder says, as above."""
    torch.manual_seed(rng_seed)
    trainer = new_trainer(genotype, train, rng_seed=rng_seed, device=torch.device("cpu"), max_steps=None)
    for _ in range(steps):
        trainer.step()
    trainer.settle()
    represent = Representer(trainer.encoder)
    return _ridge(name, train, spans_of(represent, train.windows), features_of(represent, test), rng_seed)


def _ridge(name: str, train: ClassificationTask, spans: Spans, new: Floats, rng_seed: int) -> dict[str, Floats]:
    held_out = held_out_scores(train, spans, rng_seed=rng_seed).held_out
    model = RidgeSum.fit(spans.rows, train.labels, weights=spans.weights)
    assert held_out is not None
    return {f"v:{name}": held_out, f"t:{name}": model.decision(spans(new)).astype(np.float32)}


def accuracies(train: ClassificationTask, truth: NDArray[np.int64], arrays: dict[str, Floats]) -> dict[str, float]:
    """Return the accuracy of the rivals, of the beginnings, and of what is selected with them."""
    classes = np.unique(train.labels)
    said, decided = ({key[2:]: array for key, array in arrays.items() if key[:2] == part} for part in ("v:", "t:"))
    own = {name: array for name, array in said.items() if name not in RIVALS}

    def accuracy(weights: dict[str, float]) -> float:
        scores = sum(weight * decided[name] for name, weight in weights.items())
        return float(np.mean(classes[np.argmax(scores, axis=1)] == truth))

    def selected(beginning: Sequence[str]) -> dict[str, float]:
        additions = ADDITIONS if folds_tell(train) else 0
        rng = np.random.default_rng(0)
        return select(own, partial(held_out_losses, train), prior=beginning, additions=additions, rng=rng).weights

    found = {name: accuracy({name: 1.0}) for name in (*RIVALS, *NAMED)}
    for beginning in BEGINNINGS:
        found[" + ".join(beginning) + ", alone"] = accuracy(dict.fromkeys(beginning, 1.0))
        found[" + ".join(beginning) + ", selected"] = accuracy(selected(beginning))
    return found


if __name__ == "__main__":
    main()
