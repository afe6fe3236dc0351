"""How time and memory grow with series length, variates, cases and candidates, each alone.

Usage: python benchmarks/growth.py --output FOLDER [--only length,variates,cases,candidates] [--plot FOLDER]
           [--memory-budget 500MB]
Every size is measured in a process of its own: seconds and peak memory of each stage (reading the data, describing
the task, one training step, representing all of it, fitting the probes, ...), where memory is the largest resident set
during the stage less that of the process before it had any data. A file of figures per dimension is written to
FOLDER, with the exponent of each stage: the slope of a line through the upper half of the sizes, both axes
logarithmic; 1 is proportional. `--plot` draws them (needs matplotlib). The encoder is an untrained TS2Vec of
16 hidden features: what grows does not depend on its weights.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIZES = {
    "length": (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
    "variates": (1, 3, 10, 30, 100, 300),
    "cases": (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000),
    "candidates": (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
}
TITLES = {
    "length": "series length (steps; 1 variate)",
    "variates": "variates (5,000 steps)",
    "cases": "cases (96 steps each)",
    "candidates": "candidates ranked",
}
FIELDS = ("dimension", "size", "stage", "wall_seconds", "cpu_seconds", "peak_mb")
# Below these a figure is the clock's or the allocator's own.
LEAST_SECONDS, LEAST_MB = 0.005, 1.0

Rows = list[dict[str, Any]]


def measure(dimension: str, size: int, *, memory_budget: str | None) -> Rows:
    """Return the stages of one size, measured in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("growth_stages.py")), dimension, str(size)]
    command += [] if memory_budget is None else ["--memory-budget", memory_budget]
    answer = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    return [{"dimension": dimension, "size": size, **json.loads(line)} for line in answer.stdout.splitlines()]


def exponent(sizes: Sequence[float], values: Sequence[float], *, least: float) -> float:
    """Return the slope of log(value) over log(size) in the upper half of the sizes; no value counts below `least`."""
    half = len(sizes) // 2
    x, y = np.log(sizes[half:]), np.log(np.maximum(values[half:], least))
    return float(np.polyfit(x, y, 1)[0])


def exponents(rows: Rows) -> dict[str, tuple[float, float]]:
    """Return for each stage of one dimension the exponents of CPU seconds and of memory."""
    found = {}
    for stage, some in by_stage(rows).items():
        sizes = [row["size"] for row in some]
        seconds = exponent(sizes, [row["cpu_seconds"] for row in some], least=LEAST_SECONDS)
        found[stage] = (seconds, exponent(sizes, [row["peak_mb"] for row in some], least=LEAST_MB))
    return found


def by_stage(rows: Rows) -> dict[str, Rows]:
    """Return rows by their stage, in the order they came."""
    stages: dict[str, Rows] = defaultdict(list)
    for row in rows:
        stages[row["stage"]].append(row)
    return stages


def write(path: Path, rows: Rows) -> None:
    """Write the figures of one dimension, then its exponents as rows of their own, size `exponent`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=FIELDS)
        writer.writeheader()
        writer.writerows(rows)
        for stage, (seconds, memory) in exponents(rows).items():
            facts = {"dimension": rows[0]["dimension"], "size": "exponent", "stage": stage}
            writer.writerow({**facts, "cpu_seconds": round(seconds, 2), "peak_mb": round(memory, 2)})


def read(path: Path) -> Rows:
    """Return the figures that `write` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        rows: Rows = [row for row in csv.DictReader(file) if row["size"] != "exponent"]
    return [
        {
            **row,
            "size": int(row["size"]),
            **{name: float(row[name]) for name in FIELDS[3:]},
        }  # names are the first three
        for row in rows
    ]


def draw(path: Path, rows: Rows) -> None:
    """Draw seconds and memory over size, a line per stage with its exponent."""
    from matplotlib.figure import Figure

    dimension, slopes = rows[0]["dimension"], exponents(rows)
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(1, 2)
    quantities = (("cpu_seconds", "CPU seconds, one thread", LEAST_SECONDS), ("peak_mb", "peak memory, MB", LEAST_MB))
    for which, (panel, (name, words, least)) in enumerate(zip(panels, quantities, strict=True)):
        for marker, (stage, some) in zip("os^Dvx*", by_stage(rows).items(), strict=False):
            values = [max(row[name], least) for row in some]
            panel.plot([row["size"] for row in some], values, marker=marker, markersize=4,
                       label=f"{stage}: {slopes[stage][which]:.2f}")  # fmt: skip
        steepest = max(slope[which] for slope in slopes.values())
        panel.set(xscale="log", yscale="log", xlabel=TITLES[dimension], ylabel=words,
                  title=f"{words.split(',')[0]} against {dimension}: exponent at most {steepest:.2f}")  # fmt: skip
        panel.grid(visible=True, which="major", alpha=0.3)
        panel.legend(fontsize=8, title="exponent", title_fontsize=8)
    figure.savefig(path, dpi=90)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for the figures")
    parser.add_argument("--only", default=",".join(SIZES), help="dimensions, separated by commas")
    parser.add_argument("--most", type=int, default=10**9, help="leave out larger sizes")
    parser.add_argument("--memory-budget", help="as of tscnas, such as 500MB")
    parser.add_argument("--plot", type=Path, help="folder for the pictures")
    parser.add_argument("--measured", action="store_true", help="draw what FOLDER holds already")
    asked = parser.parse_args(arguments)
    for folder in filter(None, (asked.output, asked.plot)):
        folder.mkdir(parents=True, exist_ok=True)
    for dimension in asked.only.split(","):
        file = asked.output / f"growth-{dimension}.csv"
        if not asked.measured:
            rows: Rows = []
            for size in SIZES[dimension]:
                if size <= asked.most:
                    rows += measure(dimension, size, memory_budget=asked.memory_budget)
            write(file, rows)
        rows = read(file)
        for stage, (seconds, memory) in exponents(rows).items():
            last = by_stage(rows)[stage][-1]
            print(f"{dimension:10s} {stage:18s} seconds ^{seconds:5.2f}  memory ^{memory:5.2f}   at {last['size']}: "
                  f"{last['cpu_seconds']:.2f} s, {last['peak_mb']:.0f} MB", flush=True)  # fmt: skip
        if asked.plot is not None:
            draw(asked.plot / f"growth-{dimension}.png", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
