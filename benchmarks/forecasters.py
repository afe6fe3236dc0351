"""The combined forecaster beside the ridge on raw lags, and beside itself without the representation.

    python benchmarks/forecasters.py FILE ... --of rocket_patches ts2vec/100 plain --output FILE.jsonl [--rng-seeds 3]

`--of` takes presets, with `/STEPS` for so many training steps, and `plain`, the combination without a representation.
Errors are those on test, as in a report. The interval of a ratio of errors comes from a bootstrap over blocks of
origins as long as the horizon, that of a mean over sets from a bootstrap over sets. Rows that the output holds are not
run again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ahc.evaluation.markdown import markdown_table
from downstream.data import load_task
from downstream.forecasting.combining.fit import fit
from downstream.forecasting.errors import DECILES, QuantileSums, quantile_metrics, quantile_sums
from downstream.forecasting.plain import fit_plain
from downstream.forecasting.rows import row_blocks
from downstream.forecasting.task import ForecastingTask
from downstream.represent import Represent
from nas.net import new_trainer
from nas.representer import Representer
from search_space.presets import preset

Floats = NDArray[np.floating]
N_DRAWS = 1000


def main() -> None:
    """Run what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--of", nargs="+", required=True, metavar="WHAT")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--rng-seeds", type=int, default=1)
    parser.add_argument("--window", type=int, help="by default from the data")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    known = [json.loads(line) for line in asked.output.open()] if asked.output.exists() else []
    done = {(row["set"], row["what"], row["rng_seed"]) for row in known}
    for file in asked.files:
        for what in asked.of:
            for rng_seed in range(1 if what == "plain" else asked.rng_seeds):
                if (name_of(file), what, rng_seed) in done:
                    continue
                rows = measured(file, what, rng_seed=rng_seed, window=asked.window)
                with asked.output.open("a") as output:
                    output.writelines(json.dumps(row) + "\n" for row in rows)
                print(pd.DataFrame(rows).to_string(), flush=True)
    report(pd.DataFrame(json.loads(line) for line in asked.output.open()))


def name_of(file: Path) -> str:
    """Return the name of a set."""
    return file.name.split(".")[0]


def measured(file: Path, what: str, *, rng_seed: int, window: int | None) -> list[dict[str, object]]:
    """Return a row per horizon."""
    task = load_task(file, kind="forecasting", window=window)
    assert isinstance(task, ForecastingTask)
    opened, task = task.open_test(), task.without_test()
    represent = None if what == "plain" else encoder_of(what, task, rng_seed)
    began = time.perf_counter()
    (combination,) = fit(task, represent)
    seconds = time.perf_counter() - began
    reference, horizons = fit_plain(task, None), combination.horizons
    rows = combination.rows_of(opened)
    seen = None if represent is None else combination.seen_by(represent)
    errors: dict[str, dict[int, list[Floats]]] = {name: {h: [] for h in horizons} for name in ("ours", "reference")}
    quantiles = dict.fromkeys(horizons, QuantileSums())
    deciles = combination.intervals.at(DECILES).numpy()
    for block in row_blocks(rows, "test", rows.origins("test", horizons[0]), horizons=horizons, represent=seen):
        off, nearer = (
            combination.predict(block) - block.targets,
            replace(block, lags=block.lags[:, -task.spec.raw_lags :]),
        )
        found = quantile_sums(horizons, -off, deciles, block.room)
        quantiles = {horizon: total + found[horizon] for horizon, total in quantiles.items()}
        for horizon in horizons:
            fits = block.room >= horizon
            plain = reference[horizon].predict(nearer) - block.targets[:, :horizon]
            for name, missed in (("ours", off[:, :horizon]), ("reference", plain)):
                errors[name][horizon].append(np.nanmean(np.square(missed[fits], dtype=np.float64), axis=(1, 2)))
    metrics = quantile_metrics(quantiles)
    found_rows = []
    for horizon in horizons:
        ours, plain = (np.concatenate(errors[name][horizon]) for name in ("ours", "reference"))
        low, high = ratio_interval(ours, plain, block=horizon)
        found_rows.append(
            {
                "set": name_of(file),
                "what": what,
                "rng_seed": rng_seed,
                "horizon": horizon,
                "mse": float(np.nanmean(ours)),
                "raw_lag_ridge": float(np.nanmean(plain)),
                "low": low,
                "high": high,
                "pinball": metrics[f"pinball/{horizon}"],
                "coverage_80": metrics[f"coverage_80/{horizon}"],
                "seconds": round(seconds, 1),
            }
        )
    return found_rows


def encoder_of(what: str, task: ForecastingTask, rng_seed: int) -> Represent:
    """Return the encoder of a preset after so many training steps."""
    name, _, steps = what.partition("/")
    torch.manual_seed(rng_seed)
    genotype = preset(name, kind="forecasting")
    trainer = new_trainer(genotype, task, rng_seed=rng_seed, device=torch.device("cpu"), max_steps=None)
    for _ in range(int(steps or 0)):
        trainer.step()
    trainer.settle()
    return Representer(trainer.encoder)


def ratio_interval(ours: Floats, plain: Floats, *, block: int, rng_seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the ratio of two mean errors: circular moving-block bootstrap over origins."""
    both = np.stack([ours, plain])[:, np.isfinite(ours) & np.isfinite(plain)]
    n = both.shape[1]
    block = max(1, min(block, n // 2))
    sums = np.cumsum(np.concatenate([np.zeros((2, 1)), both, both[:, :block]], axis=1), axis=1)
    means = (sums[:, block : block + n] - sums[:, :n]) / block
    rng = np.random.default_rng(rng_seed)
    draws = means[:, rng.integers(0, n, size=(N_DRAWS, max(2, round(n / block))))].mean(axis=2)
    low, high = np.quantile(draws[0] / draws[1], (0.025, 0.975))
    return float(low), float(high)


def report(rows: pd.DataFrame) -> None:
    """Print the ratio to the ridge on raw lags by set, and what it is in the mean."""
    rows = rows.assign(log=np.log(rows["mse"] / rows["raw_lag_ridge"]))
    by_horizon = rows.groupby(["what", "set", "horizon"])[["log", "coverage_80", "pinball"]].mean().reset_index()
    by_set = by_horizon.groupby(["what", "set"])["log"].mean().unstack("what")
    print(f"\n### mean ratio by set\n\n{markdown_table(np.exp(by_set).round(4).reset_index())}")
    lines = []
    for what, each in by_horizon.groupby("what"):
        sets = by_set[what].dropna()
        low, high = mean_interval(sets.to_numpy())
        lines.append(
            {
                "what": what,
                "sets": len(sets),
                "better at": f"{(each['log'] < 0).sum()} of {len(each)}",
                "share": (each["log"] < 0).mean(),
                "geometric mean": np.exp(each["log"].mean()),
                "of sets": np.exp(sets.mean()),
                "low": np.exp(low),
                "high": np.exp(high),
                "worst set": np.exp(sets.max()),
                "coverage_80": each.groupby("set")["coverage_80"].mean().mean(),
            }
        )
    print(f"\n### against the ridge on raw lags\n\n{markdown_table(pd.DataFrame(lines).round(4))}")


def mean_interval(values: Sequence[float] | Floats, *, rng_seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of a mean over sets, by resampling sets."""
    numbers = np.asarray(values)
    draws = numbers[np.random.default_rng(rng_seed).integers(0, len(numbers), size=(N_DRAWS, len(numbers)))]
    low, high = np.quantile(draws.mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    main()
