"""What weightings, auxiliary losses and operators add to a small contrastive encoder, everything else being equal.

    python benchmarks/notes.py SET ... --output FILE.jsonl --rng-seeds 3

A set is a folder with a `_TRAIN` and a `_TEST` file. The strategy is TS2Vec's (`instance` and `temporal` pairs at all
scales) on two blocks of dilated convolutions, 32 wide, and one thing is changed at a time: every option of the Loss
cell's `weighting` and `auxiliary`, each with its middle parameters (auxiliary losses added and in alternating steps),
and of the encoder's operators those of `--operators`; beside them the base untrained. Scores are test accuracies of
ridge classifiers on the last step's representations; no label is seen before. Rows that the file holds are not run
again. The table is of differences from the base with the same set and rng_seed: mean and standard error over sets, and
sets won and lost.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ahc.evaluation.markdown import markdown_table
from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.probes.linear import RidgeClassifier, Standardizer
from downstream.represent import features_of
from nas.net import new_trainer
from nas.representer import Representer
from search_space import registry
from search_space.genotype import Genotype
from search_space.presets import preset

BASE, UNTRAINED = "base", "untrained"
OPERATORS = (
    "gru lstm mogrifier_lstm multiplicative_lstm state_frequency_memory witran witran_conv witran_frequency mixer "
    "factorized_mixer moe mmoe"
)
_ENCODER = {"edges": [[0, "dilated_conv"]], "blocks": 2, "hidden": 32, "output": 128}


def main() -> None:
    """Run what is missing, two at a time, and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--operators", nargs="*", default=OPERATORS.split())
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--rng-seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    known = [json.loads(line) for line in asked.output.open()] if asked.output.exists() else []
    done = {(row["set"], row["what"], row["rng_seed"]) for row in known}
    variants = dict(every_variant(asked.operators))
    missing = [
        (folder, what, variants[what], rng_seed, 0 if what == UNTRAINED else asked.iterations)
        for rng_seed in range(asked.rng_seeds)
        for folder in asked.sets
        for what in variants
        if (folder.name, what, rng_seed) not in done
    ]
    with multiprocessing.get_context("spawn").Pool(asked.workers) as pool:
        for row in pool.imap_unordered(measured, missing):
            with asked.output.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(row, flush=True)
    print(markdown_table(differences(pd.DataFrame(json.loads(line) for line in asked.output.open()))))


def every_variant(operators: list[str]) -> Iterator[tuple[str, Genotype]]:
    """Yield the base and what differs from it in one thing, each with its name."""
    data = {**preset("ts2vec", kind="classification").to_dict()}
    data["EncoderCell"] = {**data["EncoderCell"], **_ENCODER}
    yield from ((what, Genotype.from_dict(data)) for what in (BASE, UNTRAINED))
    for kind in ("weighting", "auxiliary"):
        for name, option in registry.options(kind).items():
            usual = {parameter: values[len(values) // 2] for parameter, values in option.choices.items()}
            turns = {"": {}, ", in turn": {"own_steps": 1.0}} if "own_steps" in usual else {"": {}}
            usual |= {"own_steps": 0.0} if "own_steps" in usual else {}
            for suffix, own in turns.items():
                cell = {**data["LossCell"], kind: [name, {**usual, **own}]}
                yield f"{kind} {name}{suffix}", Genotype.from_dict({**data, "LossCell": cell})
    for name in operators:
        cell = {**data["EncoderCell"], "edges": [[0, name]]}
        yield f"operator {name}", Genotype.from_dict({**data, "EncoderCell": cell})


def measured(asked: tuple[Path, str, Genotype, int, int]) -> dict[str, Any]:
    """Return a row of the file (in a worker)."""
    folder, what, genotype, rng_seed, iterations = asked
    torch.set_num_threads(1)
    torch.manual_seed(rng_seed)
    task = load_task(folder, kind="classification")
    assert isinstance(task, ClassificationTask)
    opened, task = task.open_test(), task.without_test()
    trainer = new_trainer(genotype, task, rng_seed=rng_seed, device=torch.device("cpu"), max_steps=None)
    began = time.perf_counter()
    for _ in range(iterations):
        trainer.step()
    trainer.settle()
    seconds = time.perf_counter() - began
    represent = Representer(trainer.encoder)
    x, new = features_of(represent, task.windows), features_of(represent, opened.windows)
    standardize = Standardizer.fit(x)
    predicted = RidgeClassifier.fit(standardize(x), task.labels, max_rank=None).predict(standardize(new))
    accuracy = float(np.mean(predicted == opened.labels))
    return {
        "set": folder.name,
        "what": what,
        "rng_seed": rng_seed,
        "accuracy": accuracy,
        "seconds": round(seconds, 3),
    }


def differences(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what every variant adds to the base."""
    table = rows.pivot_table(index=["set", "rng_seed"], columns="what", values="accuracy")
    gains = table.sub(table[BASE], axis=0).groupby("set").mean()
    seconds = rows.groupby("what")["seconds"].mean() / rows[rows["what"] == BASE]["seconds"].mean()
    return pd.DataFrame(
        {
            "what": gains.columns,
            "accuracy over the base": gains.mean().round(4).to_numpy(),
            "standard error": (gains.std() / np.sqrt(gains.count())).round(4).to_numpy(),
            "sets won": (gains > 0).sum().to_numpy(),
            "lost": (gains < 0).sum().to_numpy(),
            "times the seconds": seconds[gains.columns].round(2).to_numpy(),
        }
    ).sort_values("accuracy over the base", ascending=False)


if __name__ == "__main__":
    main()
