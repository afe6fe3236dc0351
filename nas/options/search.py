"""The options of `tscnas search`."""

from dataclasses import dataclass
from typing import Any

from nas.board.trackers import TRACKERS, check_trackers
from nas.errors import OptionError
from nas.options.data import TaskOptions
from nas.options.fields import n_bytes, option
from nas.options.running import RunningOptions, memory_budget, time_limit
from nas.options.space import DrawingOptions, check_preset
from nas.options.texts import DATA, DEVICE, OVERWRITE, RNG_SEED, SVM
from nas.runs.board_files import check_installed

PRECISIONS = ("float32", "bfloat16")
STRATEGY_NAMES = ("landmark", "comparator", "random", "evolution", "halving", "policy")
POLICY_UPDATES = ("reinforce", "grpo", "dapo")

EFFORTS: dict[str, dict[str, int]] = {
    "smoke": {"candidates": 500, "landmarks": 12, "top_k": 1, "iterations": 20, "time_budget": 120},
    "fast": {"candidates": 5_000, "landmarks": 24, "top_k": 2, "iterations": 50, "time_budget": 300},
    "medium": {"candidates": 20_000, "landmarks": 64, "top_k": 4, "iterations": 100, "time_budget": 900},
    "best": {"candidates": 20_000, "landmarks": 192, "top_k": 8, "iterations": 400, "time_budget": 7_200},
}
"""What each effort sets where the user does not; `time_budget` in seconds."""
_USUAL = "medium"


def set_by(effort: str | None) -> dict[str, int]:
    """Return what an effort sets where the user does not; the usual one, of nobody's choice, keeps no time."""
    values = EFFORTS.get(effort or _USUAL, {})
    return {name: value for name, value in values.items() if effort is not None or name != "time_budget"}


def _by_effort(name: str) -> str:
    values = ", ".join(f"{effort} {settings[name]:,}" for effort, settings in EFFORTS.items())
    return f"by default that of the effort: {values}"


@dataclass(frozen=True, kw_only=True)
class SearchSettings(DrawingOptions, RunningOptions):
    """How a task is searched for: everything but the data."""

    output: str | None = option(
        None, path=True, text="folder for the encoder, the records and the report; by default runs/<name>"
    )
    preset: str | None = option(None, text="train this named genotype (such as ts2vec) instead of searching")
    genotype: str | None = option(None, path=True, text="train the genotype in this JSON file instead of searching")
    comparator: str | None = option(
        None, path=True, text="comparator checkpoint to rank with; by default the one shipped"
    )
    effort: str | None = option(
        None,
        text="how much is tried, and the time that it may take unless --time-budget names another: smoke (2 "
        "minutes), fast (5 minutes), medium (15 minutes) or best (2 hours); by default as much as medium, however "
        "long it takes",
        choices=tuple(EFFORTS),
    )
    candidates: int = option(
        None,
        text=f"genotypes drawn at random and ranked before anything is trained; {_by_effort('candidates')}",
        least=1,
    )
    strategy: str = option(
        "landmark",
        text="how candidates are searched for: presets, ranked and random ones are probed untrained on your data and "
        "the best are trained (landmark); the best ranked are (comparator); random ones (random, halving); children of "
        "the best (evolution); what a policy learns to draw (policy)",
        choices=STRATEGY_NAMES,
    )
    landmarks: int = option(
        None,
        text=f"candidates that are probed untrained on your data before any is trained; {_by_effort('landmarks')}",
        least=2,
    )
    top_k: int = option(
        None,
        text="candidates that are trained to the end; four times as many begin, twice as many get half of the steps; "
        + _by_effort("top_k"),
        least=1,
    )
    iterations: int = option(
        None, text=f"optimiser steps of a candidate that is trained to the end; {_by_effort('iterations')}", least=1
    )
    members: int = option(
        4, text="most encoders that the answer may be made of, side by side; 1 gives a single one", least=1, most=4
    )
    allow_baseline: bool = option(
        False,
        text="where validation puts a plain method clearly before every encoder, predict with that; the encoder is "
        "handed over all the same",
    )
    policy_update: str = option(
        "reinforce", text="how the policy of --strategy policy learns from what it drew", choices=POLICY_UPDATES
    )
    zero_shot: bool = option(
        False, text="stop after the ranking: seconds, nothing is trained, the answer is a genotype"
    )
    time_limit: float | None = time_limit(3600.0)
    max_parameters: int | None = option(None, text="most trainable numbers of an encoder", least=1)
    max_multiply_adds: float | None = option(
        None,
        text="most multiply-adds of the forward pass of one iteration, both views of a batch, such as 2e9",
        above=0,
    )
    max_memory: int | None = option(
        None,
        text="most memory of one iteration, such as 500MB: activations, weights and their gradients",
        unit=n_bytes,
        least=1,
    )
    max_seconds_per_iteration: float | None = option(
        None, text="most seconds of one iteration, as predicted for one thread of a server's CPU", above=0
    )
    device: str = option("auto", text=DEVICE)
    precision: str = option(
        "float32",
        text="how exactly candidates are trained; bfloat16 is faster on a GPU and, for long windows, on a CPU that has "
        "it; the comparator's bank was trained in float32",
        choices=PRECISIONS,
    )
    svm: bool = option(True, text=SVM)
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    memory_budget: int | None = memory_budget()
    bank: str | None = option(
        None, path=True, text="SQLite store of trial records to add to; by default one in the output folder"
    )
    tensorboard: bool = option(False, text="write curves, hyperparameters and a map of the encoder for TensorBoard")
    report: bool = option(True, text="write a page with figures of the search into its folder: report.html")
    track: tuple[str, ...] = option(
        (), text="log settings, curves, scores and files to these trackers too, as they are set up", choices=TRACKERS
    )
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the answer")

    def __post_init__(self) -> None:
        for name, value in set_by(self.effort).items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        super().__post_init__()
        if self.tensorboard:
            check_installed()
        check_trackers(self.track)
        check_preset(self.preset)
        if self.preset is not None and self.genotype is not None:
            raise OptionError("preset and genotype: at most one of them can say what is trained")
        if self.zero_shot and (self.preset is not None or self.genotype is not None):
            raise OptionError("zero_shot: nothing is ranked where a preset or genotype says what is trained")

    @property
    def limits(self) -> dict[str, Any]:
        """The arguments of `nas.choosing.cost_limits.cost_limit` that these settings stand for."""
        return {
            "parameters": self.max_parameters,
            "multiply_adds": self.max_multiply_adds,
            "memory": self.max_memory,
            "seconds": self.max_seconds_per_iteration,
        }


@dataclass(frozen=True)
class SearchOptions(TaskOptions, SearchSettings):
    """Try candidates on a dataset, combine the best few, verify and report them."""

    data: str = option(path=True, positional=True, text=DATA)
    window: int | None = option(
        None,
        text="length of the windows that the encoder sees, in time steps; by default chosen from the data, and in "
        "forecasting candidates may then have others",
        least=2,
    )

    @property
    def reading(self) -> dict[str, Any]:
        """As of all verbs; where folds are given, it counts whether they are those that would be drawn."""
        return {**super().reading, "folds_seed": self.rng_seed}
