"""Hours of seed generation while workers are killed at random: what was done, retried, lost; the driver's health.

Usage: python tests/survival/soak.py MANIFEST --data FOLDER --output FOLDER [--hours 2] [--workers 2]
Runs `tscnas seeds` on more trials than fit, kills a worker with SIGKILL every 30 to 150 seconds, and ends with Ctrl-C.
`soak.csv` gets the driver's resident memory and open files every half minute. A trial is lost when a later one of its
task has a record and it has none. Exit status 1 if any is, if one has two, or if the driver grew.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ahc.bank import Bank
from ahc.record import TrialRecord
from nas.options.seeding import SeedsOptions
from nas.seeding.manifest import read_manifest
from nas.seeding.seeds import waves_of

PAUSE = (30.0, 150.0)
SAMPLE_SECONDS = 30.0
MORE_THAN_FIT, ITERATIONS = 600, 20
LARGEST_GROWTH_MB, LARGEST_GROWTH_FILES = 30.0, 4


class Sample(NamedTuple):
    """The driver at one moment."""

    seconds: float
    resident_mb: float
    open_files: int
    records: int
    killed: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak and print what came of it."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("manifest", type=Path)
    made.add_argument("--data", type=Path, required=True)
    made.add_argument("--output", type=Path, required=True)
    made.add_argument("--hours", type=float, default=2.0)
    made.add_argument("--workers", type=int, default=2)
    asked = made.parse_args(arguments)
    asked.output.mkdir(parents=True, exist_ok=True)
    options = SeedsOptions(
        manifest=str(asked.manifest),
        data=str(asked.data),
        bank=str(asked.output / "bank.sqlite"),
        probes=MORE_THAN_FIT,
        genotypes=MORE_THAN_FIT,
        iterations=ITERATIONS,
        workers=asked.workers,
        time_limit=900.0,
    )
    with (asked.output / "driver.txt").open("a", encoding="utf-8") as log:
        driver = subprocess.Popen(
            _command(options), stdout=log, stderr=log, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        )
        samples, killed = _disturb(driver, Path(options.bank), output=asked.output, seconds=asked.hours * 3600)
        driver.send_signal(signal.SIGINT)
        status = driver.wait()
    return _report(options, samples, killed=killed, status=status)


def _command(options: SeedsOptions) -> list[str]:
    settings = {
        name: getattr(options, name) for name in ("data", "bank", "probes", "genotypes", "iterations", "workers")
    }
    flags = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    limit = ["--time-limit", f"{options.time_limit:g}s"]
    return [sys.executable, "-m", "nas.cli.program", "seeds", str(options.manifest), *flags, *limit]


def _disturb(driver: subprocess.Popen[bytes], bank: Path, *, output: Path, seconds: float) -> tuple[list[Sample], int]:
    """Kill workers and look at the driver until the time is over; return also how many were killed."""
    rng = random.Random(0)
    began = time.monotonic()
    next_kill = next_sample = began
    killed, samples = 0, []
    with (output / "soak.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(Sample._fields)
        while (now := time.monotonic()) < began + seconds and driver.poll() is None:
            if now >= next_kill:
                killed += _kill_one(driver.pid, rng)
                next_kill = now + rng.uniform(*PAUSE)
            if now >= next_sample and bank.exists():
                samples.append(_look(driver.pid, bank, seconds=now - began, killed=killed))
                rows.writerow(samples[-1])
                file.flush()
                next_sample = now + SAMPLE_SECONDS
            time.sleep(0.5)
    return samples, killed


def _kill_one(driver: int, rng: random.Random) -> int:
    """Kill a worker: a child of the fork server, which is a child of the driver."""
    workers = [worker for child in _children(driver) for worker in _children(child)]
    if not workers:
        return 0
    try:
        os.kill(rng.choice(workers), signal.SIGKILL)
    except ProcessLookupError:  # it came to its end this moment
        return 0
    return 1


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]
    except OSError:
        return []


def _look(driver: int, bank: Path, *, seconds: float, killed: int) -> Sample:
    lines = Path(f"/proc/{driver}/status").read_text(encoding="utf-8").splitlines()
    resident = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    with Bank(bank, read_only=True) as opened:
        records = len(opened)
    return Sample(seconds, resident / 1e3, len(list(Path(f"/proc/{driver}/fd").iterdir())), records, killed)


def _report(options: SeedsOptions, samples: list[Sample], *, killed: int, status: int) -> int:
    """Print figures and verdict; return the exit status."""
    with Bank(options.bank, read_only=True) as bank:
        records = bank.records()
    retried = sum(int(record.details.get("attempts", 1)) > 1 for record in records)
    doubled = sum(count - 1 for count in Counter(record.record_key for record in records).values())
    lost = _lost(options, records)
    first, last = _third(samples, 0), _third(samples, 2)
    growth, files = last[0] - first[0], last[1] - first[1]
    print(f"{samples[-1].seconds / 3600:.2f} h; the driver ended with status {status}")
    print(f"done {len(records)}: {dict(Counter(record.status for record in records))}")
    print(f"killed {killed}, retried {retried}, lost {lost}, doubled {doubled}")
    print(f"memory of the driver {first[0]:.1f} MB -> {last[0]:.1f} MB, open files {first[1]:g} -> {last[1]:g}")
    print("(medians of the first and the last third of the time)")
    grew = growth > LARGEST_GROWTH_MB or files > LARGEST_GROWTH_FILES
    return int(bool(lost or doubled or grew or status != 130))


def _third(samples: list[Sample], which: int) -> tuple[float, float]:
    part = np.array_split(np.asarray(samples, dtype=float), 3)[which]
    return float(np.median(part[:, 1])), float(np.median(part[:, 2]))


def _lost(options: SeedsOptions, records: list[TrialRecord]) -> int:
    """Count trials without a record before one of the same task that has one."""
    known = {(record.task_hash, record.genotype_key, record.rng_seed) for record in records}
    lost = 0
    tasks = [entry.load(Path(options.data)) for entry in read_manifest(options.manifest)]
    waves = waves_of(options, tasks)
    for task in tasks:
        plans = waves.first(task)
        done = [(task.hash, plan.genotype.key, plan.rng_seed) in known for plan in plans]
        if any(done):
            lost += done[: max(place for place, one in enumerate(done) if one)].count(False)
    return lost


if __name__ == "__main__":
    sys.exit(main())
