"""The options of the verbs that teach the comparator: `tscnas seeds` and `tscnas ahc`."""

from dataclasses import dataclass

from nas.options.fields import OptionSet, option
from nas.options.running import RunningOptions, time_limit
from nas.options.space import DrawingOptions
from nas.options.texts import DEVICE, OVERWRITE, RNG_SEED


@dataclass(frozen=True)
class SeedsOptions(DrawingOptions, RunningOptions):
    """Train many candidates on many tasks and store the trial records that teach the comparator."""

    manifest: str = option(
        path=True, positional=True, text="YAML or JSON file that lists the tasks: name, family, kind, path"
    )
    data: str = option(".", path=True, text="folder that the paths in the manifest are relative to")
    bank: str = option(
        "bank.sqlite", path=True, text="SQLite store of trial records; what it holds already is not run again"
    )
    genotypes: int = option(48, text="candidates per task", least=3)
    iterations: int = option(100, text="optimiser steps per candidate", least=1)
    repeats: float = option(
        0.1, text="share of the candidates run once more with another rng_seed, to measure label noise", least=0, most=1
    )
    time_limit: float | None = time_limit(120.0)
    device: str = option("cpu", text=DEVICE)
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    quiet: bool = option(False, text="show no progress, only the summary")


@dataclass(frozen=True)
class AhcOptions(OptionSet):
    """Train the comparator (T-AHC) on the trial records of a bank and judge it on families it has not seen."""

    bank: str = option(path=True, positional=True, text="SQLite store of trial records, made by `tscnas seeds`")
    output: str = option("comparator", path=True, text="folder for the checkpoint and its evaluation")
    evaluate: bool = option(True, text="hold out each family of tasks in turn and report the ranking quality")
    replay: bool = option(
        False,
        text="play all strategies of a search on the recorded trials, with comparators that have not seen the task's "
        "family, and report their regret against cost",
    )
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the summary")
