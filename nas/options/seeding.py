"""The options of the verbs that teach the comparator: `tscnas seeds` and `tscnas ahc`."""

from __future__ import annotations

from dataclasses import dataclass

from nas.options import running
from nas.options.fields import OptionSet, option
from nas.options.texts import DEVICE, OVERWRITE, RNG_SEED


@dataclass(frozen=True)
class SeedsOptions(OptionSet):
    """Train many candidates on many tasks and store the trial records that teach the comparator."""

    manifest: str = option(positional=True, text="YAML or JSON file that lists the tasks: name, family, kind, path")
    data: str = option(".", text="folder that the paths in the manifest are relative to")
    bank: str = option("bank.sqlite", text="SQLite store of trial records; what it holds already is not run again")
    genotypes: int = option(48, text="candidates per task", least=3)
    iterations: int = option(100, text="optimiser steps per candidate", least=1)
    repeats: float = option(
        0.1, text="share of the candidates run once more with another rng_seed, to measure label noise", least=0, most=1
    )
    workers: int = running.workers()
    time_budget: float | None = running.time_budget(
        "time for everything, such as 90s, 10m or 1h: what it leaves out the same command runs later"
    )
    time_limit: float | None = running.time_limit(120.0)
    device: str = option("cpu", text=DEVICE)
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    engine: str = running.engine()
    memory_limit: int | None = running.memory_limit()
    gpu_share: float | None = running.gpu_share()
    dry_run: bool = running.dry_run()
    quiet: bool = option(False, text="show no progress, only the summary")

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        running.check_engine(self.engine)


@dataclass(frozen=True)
class AhcOptions(OptionSet):
    """Train the comparator (T-AHC) on the trial records of a bank and judge it on families it has not seen."""

    bank: str = option(positional=True, text="SQLite store of trial records, made by `tscnas seeds`")
    output: str = option("comparator", text="folder for the checkpoint and its evaluation")
    evaluate: bool = option(True, text="hold out each family of tasks in turn and report the ranking quality")
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the summary")
