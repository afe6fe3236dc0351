"""What a preset is, and the genotype that others build on."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from search_space.genotype.migrations import SCHEMA


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


TS2VEC: Mapping[str, Any] = MappingProxyType(
    {
        "schema": SCHEMA,
        "AugCell1": [["crop", {"ratio": 0.9}], ["point_mask", {"ratio": 0.5}]],
        "AugCell2": [["crop", {"ratio": 0.9}], ["point_mask", {"ratio": 0.5}]],
        "EmbedCell": {"jitter": 0.0, "mask": 0.0, "norm": "none"},
        "PairCell": {"instance": True, "temporal": True, "pool": "max", "kernel": 2},
        "LossCell": {"loss": "nt_xent", "similarity": "dot", "temperature": 1.0},
        "EncoderCell": {
            "edges": [[0, "dilated_conv"]],
            "blocks": 10,
            "hidden": 64,
            "output": 320,
            "dropout": 0.1,
            "normalization": "none",
            "channels": "mixed",
            "readout": "max",
        },
        "TrainCell": {"learning_rate": 0.001, "batch_size": 8, "weight_averaging": True},
    }
)
"""TS2Vec's genotype, of which other presets say what they do otherwise."""


def views(first: list[Any], second: list[Any] | None = None) -> dict[str, list[Any]]:
    """Return both AugCells in the dict form; one chain serves both views where no second is given."""
    return {"AugCell1": first, "AugCell2": first if second is None else second}
