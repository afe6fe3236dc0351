"""The options of the verbs that teach the comparator: `tscnas seeds` and `tscnas ahc`."""

from dataclasses import dataclass

from nas.options.bank import shipped_bank
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
    probes: int = option(96, text="candidates per task whose untrained encoders are probed", least=3)
    genotypes: int = option(16, text="candidates per task that are trained", least=0)
    promising: int = option(
        8, text="further ones that are trained as a comparator expects most of them, or is least sure", least=0
    )
    comparator: str | None = option(
        None, path=True, text="comparator checkpoint that singles them out; by default the one shipped"
    )
    iterations: int = option(200, text="optimiser steps of a full training, which a quarter of them get", least=1)
    repeats: float = option(
        0.1, text="share of the trials run twice more with other rng_seeds, to measure label noise", least=0, most=1
    )
    time_limit: float | None = time_limit(60.0)
    device: str = option("cpu", text=DEVICE)
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    quiet: bool = option(False, text="show no progress, only the summary")


@dataclass(frozen=True)
class AhcOptions(OptionSet):
    """Train the comparator (T-AHC) on the trial records of a bank and judge it on families it has not seen."""

    bank: str = option(
        factory=shipped_bank,
        path=True,
        positional=True,
        text="store of trial records, made by `tscnas seeds`; by default the bank that comes with this software",
    )
    output: str = option("comparator", path=True, text="folder for the checkpoint and its evaluation")
    without: tuple[str, ...] = option(
        (), text="families of tasks that nothing is learned from, such as those of a set that is to be reported"
    )
    evaluate: bool = option(True, text="hold out families of tasks in turn and report the ranking quality")
    folds: int = option(10, text="in how many parts the families are held out, at most one by one", least=2)
    learning_curve: bool = option(
        False, text="report too what banks of 10, 20, 40 and 80 of the tasks would have taught (takes as long each)"
    )
    replay: bool = option(
        False,
        text="play all strategies of a search on the recorded trials, with comparators that have not seen the task's "
        "family, and report their regret against cost",
    )
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the summary")
