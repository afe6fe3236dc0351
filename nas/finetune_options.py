"""The options of `tscnas finetune`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from nas.option_fields import check, option
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
    TIME_COLUMN,
    VARIATES,
    ProtocolName,
)

ModeName = Literal["linear", "lora", "full"]
LabelledKind = Literal["forecasting", "classification"]
MODES: tuple[str, ...] = get_args(ModeName)
LABELLED_KINDS: tuple[str, ...] = get_args(LabelledKind)
_MODE = "what follows the labels: a linear head alone, low-rank updates of the encoder, or all of its weights"


@dataclass(frozen=True)
class FinetuneOptions:
    """Fine-tune a trained encoder with labels, save it with its head, and report what that is worth on test."""

    encoder: str = option(positional=True, text="output folder of a search, or its encoder .safetensors file")
    data: str = option(positional=True, text=DATA)
    task: LabelledKind | None = option(
        None, text="what the labels are for; by default as in the search", choices=LABELLED_KINDS
    )
    mode: ModeName = option("lora", text=_MODE, choices=MODES)
    rank: int = option(8, text="rank of the low-rank updates (mode lora)", least=1)
    iterations: int = option(
        300, text="optimiser steps at most, per learning rate; fewer where nothing is gained any more", least=1
    )
    learning_rate: float | None = option(
        None, text="the largest of the steps, > 0; by default the better of two on what is held out", above=0
    )
    target: tuple[str, ...] = option((), text=TARGET)
    variates: tuple[str, ...] = option((), text=VARIATES)
    time_column: str | None = option(None, text=TIME_COLUMN)
    label_column: str | None = option(None, text=LABEL_COLUMN)
    horizons: tuple[int, ...] = option((), text=HORIZONS, least=1)
    protocol: ProtocolName = option("default", text=PROTOCOL, choices=PROTOCOLS)
    output: str = option("finetuned", text="folder for the encoder, its head and the scores")
    device: str = option("auto", text=DEVICE)
    rng_seed: int = option(0, text=RNG_SEED, least=0)
    overwrite: bool = option(False, text=OVERWRITE)
    quiet: bool = option(False, text="show no progress, only the scores")

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)
