"""Candidates per hour: random genotypes trained as a search trains them, this code against an earlier checkout of it.

Usage: python benchmarks/candidates.py --reference CHECKOUT [--candidates 12] [--iterations 200] [--workers 2]
Windows of 128 steps of ETTh1, batches of 32, the default space, one thread a worker. Each side runs in a process of
its own with its checkout first on the path, and prints its records; scores must agree within `--tolerance` of each
other (training amplifies rounding), statuses exactly. The share of the machine's limit is that of the matrix products
of the training steps alone (`nas.cost`), without probes, on as many threads as there are workers: one over it is the
ratio that nothing could exceed that computes the same products in float32.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

NEEDED = 3.0
WINDOW = 128
SIDE = Path(__file__).with_name("candidates.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both sides and compare their records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, help="checkout to compare with")
    parser.add_argument("--data", type=Path, default=Path("examples/data/ETTh1.csv"))
    parser.add_argument("--candidates", type=int, default=12)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tolerance", type=float, default=0.05, help="of a score, relative")
    parser.add_argument("--side", action="store_true", help="run this process's code and print its records")
    asked = parser.parse_args(arguments)
    if asked.side:
        print(json.dumps(_run(asked)))
        return 0
    here = Path(__file__).resolve().parent.parent
    found = {"this code": _side(here, asked)}
    if asked.reference is not None:
        found["reference"] = _side(asked.reference.resolve(), asked)
    products = _seconds_of_products(asked)
    for name, side in found.items():
        per_hour = asked.candidates / side["seconds"] * 3600
        print(
            f"{name}: {asked.candidates} candidates in {side['seconds']:.0f} s, {per_hour:.0f} per hour; "
            f"products of training: {products / side['seconds']:.0%} of the limit",
            flush=True,
        )
    if asked.reference is None:
        print("(no reference given)")
        return 0
    gaps = []
    for key, record in found["this code"]["records"].items():
        other = found["reference"]["records"][key]
        same = record["status"] == other["status"]
        gap = abs(record["score"] - other["score"]) / abs(other["score"]) if record["score"] and other["score"] else 0.0
        gaps.append(gap if same else np.inf)
        print(f"  {key}: {other['status']} {other['score']} -> {record['status']} {record['score']}, "
              f"{other['seconds']:.1f} s -> {record['seconds']:.1f} s")  # fmt: skip
    print(
        f"scores differ by {np.median(gaps):.1e} in the median, {max(gaps):.1e} at most (allowed {asked.tolerance:g})"
    )
    ratio = found["reference"]["seconds"] / found["this code"]["seconds"]
    print(f"ratio {ratio:.2f} (needs {NEEDED:g})")
    return 0 if ratio >= NEEDED and max(gaps) <= asked.tolerance else 1


def _side(checkout: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Run one side and return its seconds and records."""
    settings = ["--data", str(asked.data.resolve()), "--candidates", str(asked.candidates)]
    settings += ["--iterations", str(asked.iterations), "--workers", str(asked.workers)]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, str(SIDE), "--side", *settings],
        check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=checkout,
    )  # fmt: skip
    result: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return result


def _genotypes(n: int) -> list[Any]:
    from search_space import read_space, sample_candidates

    space = read_space({"TrainCell": {"batch_size": [32]}})  # the same in every version: graphs of small operators
    return sample_candidates(n, np.random.default_rng(0), space)


def _seconds_of_products(asked: argparse.Namespace) -> float:
    """Return how long the matrix products of all training steps take at the speed of large ones."""
    import torch
    from machine import matmul_flops

    from downstream.data import load_task
    from nas.cost import cost

    torch.set_num_threads(asked.workers)
    n_variates = load_task(str(asked.data), kind="forecasting", window=WINDOW).n_variates
    counts = [cost(one, variates=n_variates, steps=WINDOW).counts for one in _genotypes(asked.candidates)]
    return 2 * asked.iterations * sum(one.training_multiply_adds for one in counts) / matmul_flops()


def _run(asked: argparse.Namespace) -> dict[str, Any]:
    """Train the candidates with whichever code is first on the path."""
    from downstream.data import load_task
    from nas.engines.run import run_candidates
    from nas.trials.trial import TrialPlan, outcome_of, trial_job

    task: Any = load_task(str(asked.data), kind="forecasting", window=WINDOW).without_test()
    plans = {}
    jobs = []
    for genotype in _genotypes(asked.candidates):
        plan = TrialPlan(genotype, asked.iterations, 0, "random")
        job = trial_job(plan, task, device="cpu", time_limit=None)
        plans[job.id] = plan
        jobs.append(job)
    records = {}
    began = time.perf_counter()
    for result in run_candidates(jobs, workers=asked.workers):
        record = outcome_of(result, plans[result.id], task).record
        records[record.genotype_key] = {"status": record.status, "score": record.score, "seconds": record.seconds}
        print(f"{len(records)} of {len(jobs)} done", file=sys.stderr, flush=True)
    return {"seconds": time.perf_counter() - began, "records": records}


if __name__ == "__main__":
    sys.exit(main())
