"""Compare predicted with measured seconds per iteration on random genotypes of the full space.

Usage: python benchmarks/cost.py [--genotypes 50] [--variates 7] [--steps 96]
Prints a line per genotype, rank correlations of multiply-adds and of predicted seconds with measured seconds, and
the speed that fits these measurements. Run it on a quiet machine, with OMP_NUM_THREADS=1 for the shipped speed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import nnls
from scipy.stats import spearmanr

from downstream.windows import Windows
from nas.cost import cost
from nas.cost.counting import Counts
from nas.cost.seconds import SHIPPED_SPEED, Speed
from nas.training.batches import BatchSource
from nas.training.loop import Trainer
from nas.training.model import ContrastiveModel
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from search_space.space import full_space


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genotypes", type=int, default=50)
    parser.add_argument("--variates", type=int, default=7)
    parser.add_argument("--steps", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rng-seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    genotypes = sample_candidates(asked.genotypes, np.random.default_rng(asked.rng_seed), full_space())
    costs, measured = [], []
    print("| genotype | parameters | multiply-adds | MB kept | kernels | predicted s | measured s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for genotype in genotypes:
        found = cost(genotype, variates=asked.variates, steps=asked.steps)
        seconds = seconds_per_iteration(
            genotype, variates=asked.variates, steps=asked.steps, repeats=asked.repeats, device=asked.device
        )
        costs.append(found)
        measured.append(seconds)
        print(
            f"| {genotype.key} | {found.parameters} | {found.multiply_adds:.3g} | {found.activation_bytes / 1e6:.1f} "
            f"| {found.counts.kernels:.0f} | {found.seconds_per_iteration:.4f} | {seconds:.4f} |",
            flush=True,
        )
    predicted = [found.seconds_per_iteration for found in costs]
    fitted = fit_speed([found.counts for found in costs], measured)
    refitted = [fitted.seconds(found.counts) for found in costs]
    rows = (
        ("multiply-adds", [found.multiply_adds for found in costs]),
        ("predicted seconds, shipped speed", predicted),
        ("predicted seconds, speed fitted here", refitted),
    )
    print("\n| against measured seconds | Spearman's rho |\n| --- | --- |")
    for name, values in rows:
        print(f"| {name} | {spearmanr(values, measured).statistic:.3f} |")
    error = np.median(np.abs(np.array(predicted) / np.array(measured) - 1))
    print(f"\nMedian relative error of the shipped speed: {error:.0%}\nShipped: {SHIPPED_SPEED}\nFitted:  {fitted}")
    return 0


def fit_speed(counts: Sequence[Counts], seconds: Sequence[float]) -> Speed:
    """Return the speed that explains measured seconds with the least relative error; nothing saves time."""
    table = np.array([[1.0, one.training_multiply_adds, one.moved_bytes, one.kernels] for one in counts])
    relative = table / np.asarray(seconds)[:, None]
    scale = relative.max(axis=0)
    found, _ = nnls(relative / scale, np.ones(len(relative)))
    base, per_multiply_add, per_byte, per_kernel = (float(value) for value in found / scale)
    return Speed(base=base, per_multiply_add=per_multiply_add, per_byte=per_byte, per_kernel=per_kernel)


def seconds_per_iteration(
    genotype: Genotype, *, variates: int, steps: int, repeats: int = 3, device: torch.device | str = "cpu"
) -> float:
    """Return the least measured seconds of a training step on noise.

    Args:
        genotype: The candidate.
        variates: Of the windows.
        steps: Of a window.
        repeats: Timed iterations, after one that is not.
        device: Where to run.
    """
    device = torch.device(device)
    n_windows = genotype.train.batch_size
    noise = np.random.default_rng(0).normal(size=(n_windows * steps, variates)).astype(np.float32)
    batches = BatchSource(
        Windows(noise, steps * np.arange(n_windows), steps),
        batch_size=n_windows,
        independent=genotype.encoder.channels == "independent",
        device=device,
        max_steps=steps,
    )
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        model = ContrastiveModel(genotype, variates=variates).to(device)
        trainer = Trainer(model, batches=batches, generator=torch.Generator(device=device).manual_seed(0))
        taken = []
        for _ in range(repeats + 1):
            began = time.perf_counter()
            trainer.step()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            taken.append(time.perf_counter() - began)
    return min(taken[1:])


if __name__ == "__main__":
    sys.exit(main())
