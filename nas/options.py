"""The options of every command, one frozen dataclass each; the command line and config files follow from them.

This module imports nothing heavy: `tscnas --help` reads it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from nas import engine_options
from nas.board.place import check_installed
from nas.option_fields import OptionError, OptionSet, check, option
from nas.option_texts import (
    DATA,
    DEVICE,
    HORIZONS,
    LABEL_COLUMN,
    OVERWRITE,
    PROTOCOL,
    PROTOCOLS,
    RNG_SEED,
    TARGET,
    TASKS,
    TIME_COLUMN,
    VARIATES,
    ProtocolName,
    TaskKind,
)
from nas.space_options import check_preset

__all__ = [
    "AhcOptions",
    "EmbedOptions",
    "EvaluateOptions",
    "OptionError",
    "SearchOptions",
    "SeedsOptions",
    "as_dict",
]

BASELINES = ("dlinear", "patchtst", "itransformer", "timesnet", "timexer")
_TASK = "what the representation is for; by default told from the data where that is possible"
_WINDOW = "length of the windows that the encoder sees, in time steps; by default chosen from the data"


@dataclass(frozen=True)
class SearchOptions:
    """Rank candidates for a dataset without training, then train, verify and report the best."""

    data: str = option(positional=True, text=DATA)
    task: TaskKind | None = option(None, text=_TASK, choices=TASKS)
    output: str | None = option(None, text="folder for the encoder, the records and the report; by default runs/<name>")
    target: tuple[str, ...] = option((), text=TARGET)
    variates: tuple[str, ...] = option((), text=VARIATES)
    time_column: str | None = option(None, text=TIME_COLUMN)
    label_column: str | None = option(None, text=LABEL_COLUMN)
    window: int | None = option(None, text=_WINDOW, least=2)
    horizons: tuple[int, ...] = option((), text=HORIZONS, least=1)
    protocol: ProtocolName = option("default", text=PROTOCOL, choices=PROTOCOLS)
    preset: str | None = option(None, text="train this named genotype (such as ts2vec) instead of searching")
    genotype: str | None = option(None, text="train the genotype in this JSON file instead of searching")
    comparator: str | None = option(None, text="comparator checkpoint to rank with; by default the one shipped")
    candidates: int = option(20_000, text="genotypes drawn at random and ranked before anything is trained", least=1)
    top_k: int = option(4, text="highest ranked candidates that are trained", least=1)
    iterations: int = option(
        100, text="optimiser steps per trained candidate; the shipped comparator learned from 100", least=1
    )
    time_budget: float | None = engine_options.time_budget(
        "time for everything, such as 90s, 10m or 1h: fewer are trained, or less long, and the answer says so"
    )
    time_limit: float | None = engine_options.time_limit(3600.0)
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
    workers: int = engine_options.workers()
    device: str = option("auto", text=DEVICE)
    precision: str = engine_options.precision()
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    engine: str = engine_options.engine()
    memory_limit: int | None = engine_options.memory_limit()
    memory_budget: int | None = engine_options.memory_budget()
    gpu_share: float | None = engine_options.gpu_share()
    bank: str | None = option(None, text="SQLite store of trial records to add to; by default one in the output folder")
    dry_run: bool = engine_options.dry_run()
    tensorboard: bool = option(False, text="write curves, hyperparameters and a map of the encoder for TensorBoard")
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the answer")

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)
        engine_options.check_engine(self.engine)
        if self.tensorboard:
            check_installed()
        check_preset(self.preset)
        if self.preset is not None and self.genotype is not None:
            raise OptionError("preset and genotype: at most one of them can say what is trained")


@dataclass(frozen=True)
class SeedsOptions:
    """Train many candidates on many tasks and store the trial records that teach the comparator."""

    manifest: str = option(positional=True, text="YAML or JSON file that lists the tasks: name, family, kind, path")
    data: str = option(".", text="folder that the paths in the manifest are relative to")
    bank: str = option("bank.sqlite", text="SQLite store of trial records; what it holds already is not run again")
    genotypes: int = option(48, text="candidates per task", least=3)
    iterations: int = option(100, text="optimiser steps per candidate", least=1)
    repeats: float = option(
        0.1, text="share of the candidates run once more with another rng_seed, to measure label noise", least=0, most=1
    )
    workers: int = engine_options.workers()
    time_budget: float | None = engine_options.time_budget(
        "time for everything, such as 90s, 10m or 1h: what it leaves out the same command runs later"
    )
    time_limit: float | None = engine_options.time_limit(120.0)
    device: str = option("cpu", text=DEVICE)
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    engine: str = engine_options.engine()
    memory_limit: int | None = engine_options.memory_limit()
    gpu_share: float | None = engine_options.gpu_share()
    dry_run: bool = engine_options.dry_run()
    quiet: bool = option(False, text="show no progress, only the summary")

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)
        engine_options.check_engine(self.engine)


@dataclass(frozen=True)
class AhcOptions:
    """Train the comparator (T-AHC) on the trial records of a bank and judge it on families it has not seen."""

    bank: str = option(positional=True, text="SQLite store of trial records, made by `tscnas seeds`")
    output: str = option("comparator", text="folder for the checkpoint and its evaluation")
    evaluate: bool = option(True, text="hold out each family of tasks in turn and report the ranking quality")
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the summary")

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)


@dataclass(frozen=True)
class EmbedOptions:
    """Compute representations of a dataset with a trained encoder, per series or per time step."""

    encoder: str = option(positional=True, text="output folder of a search, or its encoder .safetensors file")
    data: str = option(positional=True, text=DATA)
    output: str = option("embeddings.npz", text="file to write; its ending decides the format: .npz, .csv or .parquet")
    per: str = option("series", text="one row per series, or one row per time step", choices=("series", "step"))
    task: TaskKind | None = option(None, text="how the data is read; by default as in the search", choices=TASKS)
    target: tuple[str, ...] = option((), text=TARGET)
    variates: tuple[str, ...] = option((), text=VARIATES)
    time_column: str | None = option(None, text=TIME_COLUMN)
    label_column: str | None = option(None, text=LABEL_COLUMN)
    device: str = option("auto", text="where the encoder runs; auto takes a GPU where there is one")
    memory_budget: int | None = engine_options.memory_budget()
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the summary")

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)
        if not self.output.endswith((".npz", ".csv", ".parquet")):
            raise OptionError(f"output: must end in .npz, .csv or .parquet, got {self.output!r}")


@dataclass(frozen=True)
class EvaluateOptions:
    """Fit probes on a trained encoder and report what it is worth, beside the untrained encoder and plain baselines.

    With `baseline` a published forecaster is trained end to end instead; the data is then the only positional.
    """

    encoder: str | None = option(
        None, positional=True, text="output folder of a search, or its encoder .safetensors file; none with --baseline"
    )
    data: str = option("", positional=True, text=DATA)
    baseline: str | None = option(
        None, text="train this published forecaster end to end, in place of an encoder", choices=BASELINES
    )
    task: TaskKind | None = option(None, text="what is evaluated; by default as in the search", choices=TASKS)
    target: tuple[str, ...] = option((), text=TARGET)
    variates: tuple[str, ...] = option((), text=VARIATES)
    time_column: str | None = option(None, text=TIME_COLUMN)
    label_column: str | None = option(None, text=LABEL_COLUMN)
    horizons: tuple[int, ...] = option((), text=HORIZONS, least=1)
    protocol: ProtocolName = option("default", text=PROTOCOL, choices=PROTOCOLS)
    window: int | None = option(None, text="lookback of a --baseline in steps; by default from the data", least=2)
    iterations: int = option(1000, text="optimiser steps of a --baseline at most", least=1)
    output: str | None = option(None, text="JSON file for the scores; by default they are printed only")
    device: str = option("auto", text="where the encoder runs; auto takes a GPU where there is one")
    memory_budget: int | None = engine_options.memory_budget()
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the scores")

    def __post_init__(self) -> None:
        """Check the values; with a baseline, a single positional is the data."""
        check(self)
        if self.baseline is not None and self.encoder is not None and not self.data:
            object.__setattr__(self, "data", self.encoder)
            object.__setattr__(self, "encoder", None)
        missing = [
            name for name, value in (("ENCODER", self.encoder or self.baseline), ("DATA", self.data)) if not value
        ]
        if missing:
            raise OptionError(f"missing: {', '.join(missing)}")
        if self.baseline is not None and self.encoder is not None:
            raise OptionError("encoder and baseline: exactly one of them can be evaluated")
        if self.baseline is not None and self.task not in (None, "forecasting"):
            raise OptionError(f"baseline: {self.baseline} forecasts; it cannot be evaluated for {self.task}")
        if self.baseline is None and self.window is not None:
            raise OptionError("window: an encoder keeps the one it was trained with; only a --baseline can be told")


def as_dict(options: OptionSet) -> dict[str, Any]:
    """Return an option set as plain values; saved as JSON it is a config file for `--config`."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in ((field.name, getattr(options, field.name)) for field in dataclasses.fields(options))
    }
