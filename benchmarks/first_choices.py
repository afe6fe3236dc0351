"""What the comparator's first choices are worth before anybody is trained, beside presets and blind draws.

    python benchmarks/first_choices.py SET ... --members FOLDER --output FOLDER --comparator FILE

A set is a folder as `benchmarks/members.py` takes it, of a family that the comparator has not seen (`tscnas ahc BANK
--output X --no-evaluate --without FAMILY,...`); MEMBERS is what that benchmark wrote. Of 20,000 draws the comparator
takes its first designs by the task's statistics alone, and again by what the fixed probes score. OUTPUT keeps what
ridges say, a file for each set that is not made again. The table has the test accuracy of untrained encoders, and of
answers that begin as searches do and are selected among them.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from members import RIVALS, Floats, said_by, split

from ahc.evaluation.markdown import markdown_table
from ahc.landmarks import landmark_vector, probes
from ahc.ranking import differing
from downstream.classification.scoring import folds_tell, held_out_losses
from downstream.classification.task import ClassificationTask
from downstream.windows import Windows
from nas.choosing.candidates import acceptable, draw_candidates, space_for
from nas.choosing.cost_limits import affordable
from nas.choosing.portfolio import SUREST
from nas.choosing.ranker import CANDIDATE_STREAM, Ranker
from nas.combining.selection import ADDITIONS, select
from nas.runs.stopwatch import Stopwatch
from search_space.presets import PRESETS

KIND = "classification"
BEGIN = SUREST[KIND]
DRAWN, PLACES = 20_000, 12
GROUPS = ("zero-shot", "ranked", "drawn")


def main() -> None:
    """Make what is missing and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--members", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--comparator", required=True)
    parser.add_argument("--rng-seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    asked.output.mkdir(parents=True, exist_ok=True)
    rows = []
    for folder in asked.sets:
        train, test, truth = split(folder, rng_seed=asked.rng_seed)
        name = f"{folder.name}-{asked.rng_seed}.npz"
        if not (asked.output / name).exists():
            said = said_of(train, test, comparator=asked.comparator, rng_seed=asked.rng_seed)
            np.savez_compressed(asked.output / name, **said)  # type: ignore[arg-type]
            print(f"{folder.name} {asked.rng_seed}", flush=True)
        with np.load(asked.output / name) as chosen, np.load(asked.members / name) as named:
            arrays = {**dict(named.items()), **dict(chosen.items())}
        rows.append({"set": folder.name, **accuracies(train, truth, arrays)})
    table = pd.DataFrame(rows).set_index("set")
    gaps = table.sub(table[" + ".join(BEGIN)], axis=0)
    error = gaps.std(ddof=1) / np.sqrt(len(gaps))
    counts = {"above": (gaps > 0).sum(), "below": (gaps < 0).sum()}
    summary = pd.DataFrame({"mean": table.mean(), "less the beginning": gaps.mean(), "standard error": error, **counts})
    print(markdown_table(summary.round(4).rename_axis(f"{len(table)} sets").reset_index()))


def said_of(train: ClassificationTask, test: Windows, *, comparator: str, rng_seed: int) -> dict[str, Floats]:
    """Return what ridges on untrained encoders say, as `benchmarks/members.py` does."""
    space, cheap, accept = space_for(train), affordable(train), acceptable(train, None)
    limits = {"space": space, "accept": accept, "affordable": cheap, "rng_seed": rng_seed, "clock": Stopwatch()}
    ranker = Ranker(train, comparator=comparator, candidates=DRAWN, **limits)  # type: ignore[arg-type]
    said: dict[str, Floats] = {}
    untrained: dict[str, float] = {}
    classes = np.unique(train.labels)
    for at, genotype in enumerate(probes(KIND)):
        said |= said_by(genotype, train, test, name=f"probe{at}", rng_seed=rng_seed)
        untrained[genotype.untrained_key] = float(np.mean(classes[said[f"v:probe{at}"].argmax(axis=1)] == train.labels))
    drawn = draw_candidates(DRAWN, np.random.default_rng([rng_seed, CANDIDATE_STREAM]), space, accept=accept)
    groups = {"drawn": [*filter(cheap, drawn[: 10 * PLACES])][:PLACES]}
    for name, landmarks in (("zero-shot", None), ("ranked", landmark_vector(untrained, kind=KIND))):
        found = [*filter(cheap, ranker.rank(landmarks).genotypes)]
        groups[name] = [found[at] for at in differing(found, PLACES)]
    for name, genotypes in groups.items():
        for at, genotype in enumerate(genotypes):
            said |= said_by(genotype, train, test, name=f"{name}{at}", rng_seed=rng_seed)
    return said


def accuracies(train: ClassificationTask, truth: np.ndarray, arrays: dict[str, Floats]) -> dict[str, float]:
    """Return the test accuracy of the rivals, of each group untrained, and of what is selected with each."""
    classes = np.unique(train.labels)
    said, decided = ({key[2:]: array for key, array in arrays.items() if key[:2] == part} for part in ("v:", "t:"))

    def accuracy(weights: dict[str, float]) -> float:
        scores = sum(weight * decided[name] for name, weight in weights.items())
        return float(np.mean(classes[np.argmax(scores, axis=1)] == truth))

    def selected(names: list[str]) -> float:
        own = {name: said[name] for name in (*BEGIN, *names)}
        additions = ADDITIONS if folds_tell(train) else 0
        rng = np.random.default_rng(0)
        return accuracy(select(own, partial(held_out_losses, train), prior=BEGIN, additions=additions, rng=rng).weights)

    groups = {name: sorted(other for other in said if other.startswith(name)) for name in GROUPS}
    groups["presets"] = [name for name in PRESETS if name in said]
    found = {name: accuracy({name: 1.0}) for name in (*RIVALS, *BEGIN, "minirocket")}
    found[" + ".join(BEGIN)] = accuracy(dict.fromkeys(BEGIN, 1.0))
    for group, names in groups.items():
        alone = {name: accuracy({name: 1.0}) for name in names}
        if group != "presets":
            found[f"{group}: the first"] = alone[f"{group}0"]
        found[f"{group}: mean"] = float(np.mean([*alone.values()]))
        validated = {name: np.mean(classes[said[name].argmax(axis=1)] == train.labels) for name in names}
        found[f"{group}: the best on validation"] = alone[max(names, key=lambda name: validated[name])]
        found[f"{group}: selected with the beginning"] = selected(names)
    found["ranked and presets: selected with the beginning"] = selected([*groups["ranked"], *groups["presets"]])
    return found


if __name__ == "__main__":
    main()
