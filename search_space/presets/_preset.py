"""What a preset is, and the pieces that several of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A named genotype.

    Args:
        source: The publication or document that it follows.
        differs: What is inferred, and what this space does differently.
        genotype: The dict form.
    """

    source: str
    differs: str
    genotype: Mapping[str, Any]


DILATED_STACK: Mapping[str, Any] = MappingProxyType(
    {
        "edges": [[0, "dilated_conv"]],
        "blocks": 10,
        "hidden": 64,
        "output": 320,
        "dropout": 0.1,
        "normalization": "none",
        "channels": "mixed",
        "readout": "max",
    }
)
"""TS2Vec's encoder, which other strategies take over."""

NO_EMBED: Mapping[str, Any] = MappingProxyType({"jitter": 0.0, "mask": 0.0, "norm": "none"})


def pairs(*kinds: str, pool: str, kernel: int) -> dict[str, Any]:
    """Return a PairCell in the dict form."""
    return {**dict.fromkeys(kinds, True), "pool": pool, "kernel": kernel}


def training(learning_rate: float, batch_size: int, *, averaging: bool) -> dict[str, Any]:
    """Return a TrainCell in the dict form."""
    return {"learning_rate": learning_rate, "batch_size": batch_size, "weight_averaging": averaging}


def ts2vec_view() -> list[list[Any]]:
    """Return TS2Vec's augmentations of one view."""
    return [["crop", {"ratio": 0.9}], ["point_mask", {"ratio": 0.5}]]
