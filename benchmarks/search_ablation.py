"""What each part of a search is worth: run folders chosen from again without it, tested on the same cases.

    python benchmarks/search_ablation.py RUN=SET ... --output FILE.csv

RUN is the folder of a finished classification search with its trials, SET the dataset. Every variant chooses by
validation alone, from what the run tried; its members' ridges are then added up on the official test cases. Rows that
the file holds are not made again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ahc.bank import Bank
from ahc.evaluation.markdown import markdown_table
from downstream.cases.spans import spans_of
from downstream.classification.ridges import RidgeSum
from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.represent import features_of
from nas.choosing.portfolio import surest
from nas.choosing.source import SUREST_SCORE
from nas.combining.members import Entrant, best_point, choose, single
from nas.saved.encoder import load_encoder
from nas.strategies import Result
from nas.trials.runner import Trained
from nas.trials.tried import Tried
from search_space.genotype import Genotype

Keep = Callable[[Trained, str], bool]
"""Whether a variant may use a candidate at a point of its curve: (candidate, where it comes from)."""

VARIANTS: dict[str, Keep] = {
    "all": lambda one, origin: True,
    "no race": lambda one, origin: one.iterations == 0,
    "no portfolio": lambda one, origin: not origin.startswith("preset"),
    "no comparator": lambda one, origin: origin != "ranked by the comparator",
    "portfolio alone": lambda one, origin: origin.startswith("preset"),
    "random alone": lambda one, origin: origin == "drawn blindly",
}
FULL = 100


class SurestFirst:
    """What is known before anybody is tried where nothing was ranked: the surest presets lead."""

    def score(self, genotype: Genotype) -> float:
        """Return what a search counts them as."""
        return SUREST_SCORE if genotype in surest("classification") else 0.0

    def gain(self, genotype: Genotype) -> float:
        """Return 0: nothing is known of what training adds."""
        del genotype
        return 0.0


SUREST_FIRST = SurestFirst()


def main() -> None:
    """Make what is missing and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", metavar="RUN=SET")
    parser.add_argument("--output", type=Path, required=True)
    asked = parser.parse_args()
    known = pd.read_csv(asked.output) if asked.output.exists() else pd.DataFrame(columns=["set"])
    for pair in asked.pairs:
        run, _, folder = pair.partition("=")
        if Path(folder).name not in set(known["set"]):
            row = pd.DataFrame([accuracies(Path(run), Path(folder))])
            known = pd.concat([known, row]) if len(known) else row
            known.to_csv(asked.output, index=False)
            print(row.round(4).to_dict("records")[0], flush=True)
    table = known.set_index("set")
    gaps = table.sub(table["all"], axis=0)
    error = gaps.std(ddof=1) / np.sqrt(len(table))
    summary = pd.DataFrame({"mean": table.mean(), "less all": gaps.mean(), "95 % +-": 1.96 * error})
    print(markdown_table(summary.round(4).rename_axis("variant").reset_index()))


def accuracies(run: Path, folder: Path) -> dict[str, object]:
    """Return the test accuracy of each variant of one run."""
    task = load_task(folder, kind="classification")
    assert isinstance(task, ClassificationTask)
    opened, task = task.open_test(), task.without_test()
    ranking = pd.read_csv(run / "ranking.csv").set_index("genotype")
    points = _points(run, task)

    @cache
    def decision(weights: Path) -> NDArray[np.floating]:
        represent = load_encoder(weights).representer("cpu")
        spans = spans_of(represent, task.windows)
        model = RidgeSum.fit(spans.rows, task.labels, weights=spans.weights)
        return model.decision(spans(features_of(represent, opened.windows)))

    def accuracy(entrant: Entrant) -> float:
        scores = sum(w * decision(one.weights) for w, one in zip(entrant.weights, entrant.members, strict=True))
        return float(np.mean(np.unique(task.labels)[np.argmax(scores, axis=1)] == opened.labels))

    row: dict[str, object] = {"set": folder.name}
    for name, keep in VARIANTS.items():
        tried = _tried([one for one in points if keep(one, str(ranking.loc[one.genotype.key, "origin"]))])
        if not tried.points:
            continue
        row[name] = accuracy(choose(task, tried, source=SUREST_FIRST, iterations=FULL, most=4, rng_seed=0))
        if name == "all":
            best = best_point(tried, [*tried.results], source=SUREST_FIRST, iterations=FULL)
            row["no combination"] = accuracy(single(best))
            held = [one for one in tried.points.values() if one.record.score is not None]
            row["best on validation"] = accuracy(single(max(held, key=lambda one: one.record.oriented_score)))
    return row


def _points(run: Path, task: ClassificationTask) -> list[Trained]:
    with Bank(run / "bank.sqlite", read_only=True) as bank:
        records = bank.records(task_hash=task.hash)
    names = [f"{record.genotype_key}-{record.iterations}-0.safetensors" for record in records]
    return [
        Trained(Genotype.from_dict(dict(record.genotype)), record, run / "trials" / name)
        for record, name in zip(records, names, strict=True)
        if record.score is not None and (run / "trials" / name).is_file()
    ]


def _tried(points: list[Trained]) -> Tried:
    tried = Tried()
    for one in sorted(points, key=lambda one: one.iterations):
        tried.points[one.id] = one
        curve = tuple((at, score) for at, score, _ in one.record.curve if score is not None)
        noise = float(one.record.details.get("noise", 0.0))
        tried.results[one.genotype.key] = Result(one.genotype, one.iterations, curve, noise=noise)
    return tried


if __name__ == "__main__":
    main()
