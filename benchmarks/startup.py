"""How long one waits before anything happens: `tscnas --help`, `import nas`, and a candidate in a fresh worker.

Usage: python benchmarks/startup.py [--data examples/data/ETTh1.csv] [--repeats 7]
Medians over fresh processes. A candidate's start is the time from the moment an engine that is already up draws its
job until the job's function is called in the worker: packing genotype and task, forking, sending and unpacking.
The last line is the smallest of limit / measured; the exit status is 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LIMITS = {"tscnas --help, wall": 0.3, "import nas, CPU": 0.5, "candidate in a fresh worker": 1.0}
LEAST_REPEATS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("examples/data/ETTh1.csv"))
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args(arguments)
    if asked.repeats < LEAST_REPEATS:
        parser.error(f"--repeats must be at least {LEAST_REPEATS}, got {asked.repeats}")
    command = [str(Path(sys.executable).with_name("tscnas")), "--help"]
    measured = (
        [_run(command)[0] for _ in range(asked.repeats)],
        [_run([sys.executable, "-c", "import nas"])[1] for _ in range(asked.repeats)],
        _worker_starts(asked.data, repeats=asked.repeats),
    )
    shares = []
    for (name, limit), seconds in zip(LIMITS.items(), measured, strict=True):
        median = statistics.median(seconds)
        print(
            f"{name}: {median:.4f} s ({min(seconds):.4f} to {max(seconds):.4f}, {len(seconds)} runs; needs {limit:g})"
        )
        shares.append(limit / median)
    print(f"ratio {min(shares):.2f} (needs 1)")
    return 0 if min(shares) >= 1 else 1


def called_at(**_: Any) -> float:
    """Return when this was called; stands where a trial's function stands in its job."""
    return time.monotonic()


def _run(command: list[str]) -> tuple[float, float]:
    """Return wall and CPU seconds of a process and what it started.

    Raises:
        CalledProcessError: If it fails.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _worker_starts(data: Path, *, repeats: int) -> list[float]:
    """Return seconds from the draw of a trial's job to its call; the first job starts the server and is left out."""
    from downstream.data import load_task
    from nas.engines.run import run_candidates
    from nas.trials.trial import TrialPlan, trial_job
    from search_space.presets import preset

    task = load_task(str(data), kind="forecasting")
    plan = TrialPlan(preset("ts2vec", kind="forecasting"), iterations=1, rng_seed=0, origin="search")
    # by its module's name, which a worker can import; it never imports the main script
    function = importlib.import_module(Path(__file__).stem).called_at
    job = dataclasses.replace(trial_job(plan, task, device="cpu", time_limit=None), function=function)
    seconds = []
    for _ in range(repeats + 1):  # each call has a worker of its own
        drawn = time.monotonic()
        (result,) = run_candidates([job], engine="process", workers=1)
        if result.status != "completed":
            raise RuntimeError(f"the worker failed: {result.error}")
        seconds.append(result.value - drawn)
    print(f"the first worker, with the server's own start: {seconds[0]:.2f} s")
    return seconds[1:]


if __name__ == "__main__":
    sys.exit(main())
