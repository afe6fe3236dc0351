"""The options of `tscnas search`."""

from __future__ import annotations

from dataclasses import dataclass

from nas.board.place import check_installed
from nas.options import running
from nas.options.data import TaskOptions
from nas.options.fields import OptionError, option
from nas.options.space import check_preset
from nas.options.texts import DATA, DEVICE, OVERWRITE, RNG_SEED

_WINDOW = "length of the windows that the encoder sees, in time steps; by default chosen from the data"


@dataclass(frozen=True)
class SearchOptions(TaskOptions):
    """Rank candidates for a dataset without training, then train, verify and report the best."""

    data: str = option(positional=True, text=DATA)
    output: str | None = option(None, text="folder for the encoder, the records and the report; by default runs/<name>")
    window: int | None = option(None, text=_WINDOW, least=2)
    preset: str | None = option(None, text="train this named genotype (such as ts2vec) instead of searching")
    genotype: str | None = option(None, text="train the genotype in this JSON file instead of searching")
    comparator: str | None = option(None, text="comparator checkpoint to rank with; by default the one shipped")
    candidates: int = option(20_000, text="genotypes drawn at random and ranked before anything is trained", least=1)
    top_k: int = option(4, text="highest ranked candidates that are trained", least=1)
    iterations: int = option(
        100, text="optimiser steps per trained candidate; the shipped comparator learned from 100", least=1
    )
    time_budget: float | None = running.time_budget(
        "time for everything, such as 90s, 10m or 1h: fewer are trained, or less long, and the answer says so"
    )
    time_limit: float | None = running.time_limit(3600.0)
    max_parameters: int | None = option(None, text="most trainable numbers of an encoder", least=1)
    max_multiply_adds: float | None = option(
        None,
        text="most multiply-adds of the forward pass of one iteration, both views of a batch, such as 2e9",
        above=0,
    )
    max_memory: int | None = option(
        None,
        text="most memory of one iteration, such as 500MB: activations, weights and their gradients",
        size=True,
        least=1,
    )
    max_seconds_per_iteration: float | None = option(
        None, text="most seconds of one iteration, as predicted for one thread of a server's CPU", above=0
    )
    workers: int = running.workers()
    device: str = option("auto", text=DEVICE)
    precision: str = running.precision()
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    engine: str = running.engine()
    memory_limit: int | None = running.memory_limit()
    memory_budget: int | None = running.memory_budget()
    gpu_share: float | None = running.gpu_share()
    bank: str | None = option(None, text="SQLite store of trial records to add to; by default one in the output folder")
    dry_run: bool = running.dry_run()
    tensorboard: bool = option(False, text="write curves, hyperparameters and a map of the encoder for TensorBoard")
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the answer")

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        running.check_engine(self.engine)
        if self.tensorboard:
            check_installed()
        check_preset(self.preset)
        if self.preset is not None and self.genotype is not None:
            raise OptionError("preset and genotype: at most one of them can say what is trained")
