"""Drivers in processes of their own, on data so small that a whole run takes seconds."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from ahc.bank import Bank

ROOT = Path(__file__).resolve().parents[2]
JOBS = Path(__file__).parent / "jobs"
EXAMPLES = ROOT / "examples" / "data"
TASKS = (
    "  - {name: italy, family: power, kind: classification, path: ItalyPowerDemand, max_cases: 40}",
    "  - {name: taxi, family: nab, kind: classification, path: NycTaxiDays, max_cases: 40}",
)
LONG = 20
"""Kills of the long form, `make survive`."""


class Runs:
    """The three commands of the pipeline in one folder, and what they left there."""

    def __init__(self, folder: Path, *, engine: str, n_tasks: int, genotypes: int) -> None:
        self.folder, self.engine, self.genotypes = folder, engine, genotypes
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tasks.yaml").write_text("\n".join(("tasks:", *TASKS[:n_tasks])), encoding="utf-8")
        rows = (f"{at},{math.sin(at / 6) + 0.1 * math.sin(at * at):.5f}\n" for at in range(300))
        (folder / "wave.csv").write_text("step,value\n" + "".join(rows), encoding="utf-8")

    def words(self, verb: str, *more: str) -> list[str]:
        """Return the command line of a verb."""
        engine = ["--engine", self.engine, "--workers", "2"]
        lines = {
            "seeds": ["tasks.yaml", "--data", str(EXAMPLES), "--bank", "bank.sqlite", "--iterations", "2",
                      "--probes", str(self.genotypes), "--genotypes", str(self.genotypes // 3), "--promising", "0",
                      "--repeats", "0.2", *engine],
            "ahc": ["bank.sqlite", "--output", "comparator", "--no-evaluate"],
            "search": ["wave.csv", "--task", "forecasting", "--window", "24", "--horizons", "12", "--comparator",
                       "comparator/comparator.safetensors", "--candidates", "50", "--top-k", "2", "--iterations", "4",
                       "--output", "run", *engine],
        }  # fmt: skip
        return [verb, *lines[verb], "--quiet", *more]

    def start(self, words: list[str], *, file_size: int | None = None, **env: str) -> subprocess.Popen[str]:
        """Start a driver in a session of its own."""

        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if file_size is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

        paths = {"PYTHONPATH": f"{JOBS}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1", "RAY_ADDRESS": "local"}
        return subprocess.Popen(
            [sys.executable, str(JOBS / "driver.py"), *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **paths, **env},
            start_new_session=True,
            preexec_fn=prepare,
        )

    def run(self, words: list[str], *, file_size: int | None = None, **env: str) -> tuple[int, str]:
        """Run a driver to its end; return exit status and standard error."""
        driver = self.start(words, file_size=file_size, **env)
        _, err = driver.communicate(timeout=300)
        return driver.returncode, err

    def records(self, bank: str = "bank.sqlite") -> dict[Any, tuple[Any, ...]]:
        """Return what a bank says that does not depend on the clock, by record key."""
        with Bank(self.folder / bank, read_only=True) as opened:
            records = opened.records()
        found = {
            one.record_key: (one.status, one.curve, one.score, one.best_iteration, one.n_parameters, one.origin)
            for one in records
        }
        assert len(found) == len(records), "a record is doubled"
        return found

    def answer(self) -> dict[str, Any]:
        """Return what a search found: ranking, chosen genotype, scores, weights."""
        facts = json.loads((self.folder / "run" / "run.json").read_text(encoding="utf-8"))
        names = ("ranking.csv", "genotype.json", "scores.csv", "encoder.safetensors")
        files = {name: (self.folder / "run" / name).read_bytes() for name in names}
        # not as bytes: the order of a safetensors file's facts changes from process to process
        with safe_open(self.folder / "comparator" / "comparator.safetensors", framework="np") as file:
            comparator = {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118 - not a dict
            comparator |= file.metadata()
        return {**files, "rows": facts["rows"], "comparator": comparator, "bank": self.records("run/bank.sqlite")}


def descendants(pid: int) -> list[int]:
    """Return the processes below a process."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = list(children.get(pid, []))
    for one in found:
        found += children.get(one, [])
    return found


def wait_until(what: Callable[[], Any], *, seconds: float = 60.0) -> Any:
    """Return what a question gives as soon as it gives anything."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds:g} s")


def of_ray(name: str) -> bool:
    """Return whether a command line is of one of Ray's own processes, not of a worker."""
    return ("site-packages/ray/" in name and "default_worker" not in name) or "Agent" in name


def wait_for_the_end_of(pids: list[int], *, seconds: float = 60.0) -> None:
    """Wait until workers are gone; Ray's own servers and agents do no work, and some take a minute or two to leave."""
    names = {}
    for pid in pids:
        with contextlib.suppress(OSError):  # gone already
            names[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().decode()[:200]
    limit = time.monotonic() + seconds
    while left := [name for pid, name in names.items() if not of_ray(name) and is_alive(pid)]:
        assert time.monotonic() < limit, left
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Return whether a process lives; a dead one that nobody has waited for does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what only the long form has; what is marked `survive` with an engine, for that engine only."""
    if item.config.getoption("--kills") >= LONG:
        return
    for marker in item.iter_markers("survive"):
        if not marker.args or item.callspec.params.get("engine") in marker.args:  # type: ignore[attr-defined]
            pytest.skip("takes long: only in `make survive`")


@pytest.fixture(scope="session")
def kills(request: pytest.FixtureRequest) -> int:
    """How many processes a test kills: a few, or the 20 of `make survive`."""
    return int(request.config.getoption("--kills"))


@pytest.fixture(params=["process", "ray"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that runs candidates in processes of their own."""
    name = str(request.param)
    if name == "ray" and importlib.util.find_spec("ray") is None:
        pytest.skip("the extra `ray` is not installed")
    return name


@pytest.fixture(scope="session")
def size(kills: int) -> dict[str, int]:
    """How many tasks and genotypes the seeds have."""
    return {"n_tasks": 2, "genotypes": 9} if kills >= LONG else {"n_tasks": 1, "genotypes": 3}


@pytest.fixture
def runs(tmp_path: Path, engine: str, size: dict[str, int]) -> Runs:
    """A folder for one test."""
    return Runs(tmp_path, engine=engine, **size)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, size: dict[str, int]) -> Runs:
    """The pipeline's seeds as they come when nothing happens; the rest is run by who needs it."""
    made = Runs(tmp_path_factory.mktemp("undisturbed"), engine="process", **size)
    status, err = made.run(made.words("seeds"))
    assert status == 0, err
    return made


@pytest.fixture(scope="session")
def tools() -> Any:
    """The functions of this file, for the tests beside it."""
    return sys.modules[__name__]
