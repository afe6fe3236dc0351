"""Parts of the anomaly score, alone and together, beside the plain detectors: VUS-PR and AUC-PR of every series.

    python benchmarks/anomaly.py FOLDER ... --of ts2vec paano/200 --output FILE.jsonl [--families FILE]

A folder holds the series of one set as tables with the columns `label` and `split`; one encoder is made for all of
them, from their training rows, and every series is scored beside its own. `--of` takes presets, with `/STEPS` for so
many training steps (the last point counts; no label is seen). Series that the file holds are not run again. Means are
over the series of a set first, then over sets, of a family first where `--families` names a list of objects with
`name` and `family`.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ahc.evaluation.markdown import markdown_table
from downstream.anomaly.baselines import z_scores
from downstream.anomaly.detection.detector import WEIGHTS, Detector
from downstream.anomaly.detection.normal import rows_to_remember
from downstream.anomaly.detection.parts import PARTS
from downstream.anomaly.metrics import vus_pr
from downstream.anomaly.scoring import buffer_steps, has_both
from downstream.anomaly.task import AnomalyTask
from downstream.data import load_task
from downstream.metrics import auc_pr
from nas.net import new_trainer
from nas.representer import Representer
from search_space.presets import preset

Floats = NDArray[np.floating]
BASELINES = {"sub_pca": "sub_pca", "nearest_raw": "nearest_raw_window", "isolation": "isolation_forest"}


def main() -> None:
    """Run what is missing and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--of", nargs="+", required=True, metavar="PRESET[/STEPS]")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--families", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # what is said of the sets is known
    known = [json.loads(line) for line in asked.output.open()] if asked.output.exists() else []
    done = {(row["set"], row["of"], row["series"]) for row in known}
    for what in asked.of:
        for folder in asked.sets:
            for row in measured(folder, what, done=done):
                with asked.output.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(row["set"], row["series"], row["of"], row["seconds"], flush=True)
    rows = [json.loads(line) for line in asked.output.open()]
    names = {folder.name for folder in asked.sets}
    rows = [row for row in rows if row["set"] in names]
    families = (
        {each["name"]: each["family"] for each in json.loads(asked.families.read_text())} if asked.families else {}
    )
    for what in asked.of:
        show([row for row in rows if row["of"] == what], families, what)


def measured(folder: Path, what: str, *, done: set[tuple[str, str, str]]) -> Iterator[dict[str, object]]:
    """Yield a row of the file for each series of a set that is not done."""
    task = load_task(folder, kind="anomaly")
    assert isinstance(task, AnomalyTask)
    opened = [rows for rows in task.open_test() if has_both(rows.labels)]
    if all((folder.name, what, rows.name) in done for rows in opened):
        return
    represent = encoder(what, task)
    normal = rows_to_remember(task)
    for rows in opened:
        if (folder.name, what, rows.name) in done:
            continue
        began = time.perf_counter()
        detector = Detector(
            normal[task.number_of(rows.name)],
            window=task.spec.window,
            represent=represent,
            weights={name: WEIGHTS.get(name, 0.0) for name in PARTS},
        )
        found = detector.strangeness(rows.values, first=rows.context)
        scores = {
            **together(found.parts),
            "moving_z_score": z_scores(rows.values, window=task.spec.window)[rows.context :],
        }
        buffer = buffer_steps(task)
        figures = {
            name: {"vus_pr": vus_pr(rows.labels, each, max_buffer=buffer), "auc_pr": auc_pr(rows.labels, each)}
            for name, each in scores.items()
        }
        yield {
            "set": folder.name,
            "series": rows.name,
            "of": what,
            "figures": figures,
            "seconds": round(time.perf_counter() - began, 2),
        }


def together(parts: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the score that is handed over, it without each of its parts, each part alone, and the baselines."""

    def total(names: list[str]) -> Floats:
        return sum(WEIGHTS[name] * parts[name] for name in names) / sum(WEIGHTS[name] for name in names)

    scores = {"handed over": total(list(WEIGHTS))}
    scores |= {f"without {name}": total([other for other in WEIGHTS if other != name]) for name in WEIGHTS}
    scores |= {f"{name} alone": parts[name] for name in WEIGHTS if name not in BASELINES}
    return scores | {name: parts[part] for part, name in BASELINES.items()}


def encoder(what: str, task: AnomalyTask) -> Representer:
    """Return what represents windows by a preset after training it."""
    name, _, steps = what.partition("/")
    torch.manual_seed(0)
    trainer = new_trainer(
        preset(name, "anomaly"), task.without_test(), rng_seed=0, device=torch.device("cpu"), max_steps=None
    )
    for _ in range(int(steps or 0)):
        trainer.step()
    trainer.settle()
    return Representer(trainer.encoder)


def show(rows: list[dict[str, object]], families: Mapping[str, str], what: str) -> None:
    """Print means over the series of each set, of sets, and of families."""
    flat = pd.DataFrame(
        {"set": row["set"], "what": name, **figures} for row in rows for name, figures in dict(row["figures"]).items()
    )
    order = list(dict.fromkeys(flat["what"]))
    for figure in ("vus_pr", "auc_pr"):
        by_set = flat.groupby(["set", "what"])[figure].mean().unstack("set").loc[order]
        means = {"all sets": by_set.mean(axis=1)}
        if families:
            of_family = by_set.T.groupby([families.get(name, name) for name in by_set.columns]).mean().T
            means |= {"all families": of_family.mean(axis=1)}
        table = pd.concat([pd.DataFrame(means), by_set], axis=1).round(3).reset_index()
        print(f"\n### {what}, {figure}, {len(rows)} series\n\n{markdown_table(table)}")


if __name__ == "__main__":
    main()
