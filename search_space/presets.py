"""Named genotypes: published strategies as points of this space.

Each says where it comes from and what differs, because a point of this space is
never the published code itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from search_space.genotype import Genotype
from search_space.migrations import SCHEMA, from_notes
from search_space.registry import UnknownOptionError
from search_space.validation import nearest

# Where a forecast or an alarm is about the last step, the representation is taken there.
_READOUT_OF_KIND = MappingProxyType({"forecasting": "last", "anomaly": "last", "classification": None})

_NOTES_STRATEGY: Mapping[str, Any] = MappingProxyType(
    {
        "AugCell1": {
            "enabled_ops": ["jittering", "resize", "frequency_masking"],
            "params": {"jittering": 0.1, "resize": 0.4, "frequency_masking": 0.3},
        },
        "AugCell2": {"enabled_ops": ["frequency_masking"], "params": {"frequency_masking": 0.1}},
        "EmbedCell": {"embedding_jittering": 0.1, "embedding_masking": 0.1, "normalization": "l2"},
        "PairCell": {"temporal": False, "pool_type": "max", "kernel": 3},
        "LossCell": {"loss": "NTXent", "sim": "cosine", "temperature": 0.2},
    }
)
_NOTES_ENCODER = ((0, 2), (0, 0), (1, 0), (0, 1), (2, 1), (1, 2), (3, 3))

_DILATED_STACK: Mapping[str, Any] = MappingProxyType(
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


def _pairs(*kinds: str, pool: str, kernel: int) -> dict[str, Any]:
    return {**dict.fromkeys(kinds, True), "pool": pool, "kernel": kernel}


def _ts2vec_view() -> list[list[Any]]:
    return [["crop", {"ratio": 0.9}], ["point_mask", {"ratio": 0.5}]]


def _simclr_view() -> list[list[Any]]:
    return [["crop", {"ratio": 0.5}], ["rescale", {"sigma": 0.3}], ["jitter", {"sigma": 0.1}]]


def _ggs_view() -> list[list[Any]]:
    return [
        ["resize", {"ratio": 0.2}],
        ["rescale", {"sigma": 0.3}],
        ["point_mask", {"ratio": 0.2}],
        ["crop", {"ratio": 0.2}],
    ]


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "ts2vec": Preset(
            source="TS2Vec, Yue et al. 2022, arXiv:2106.10466, sections 2 and 3, and its published defaults",
            differs="A mask per time step, drawn exactly once per view; NT-Xent takes the place of the two dual "
            "losses, whose negatives it shares; the closing block to 320 channels is a linear map.",
            genotype={
                "schema": SCHEMA,
                "AugCell1": _ts2vec_view(),
                "AugCell2": _ts2vec_view(),
                "EmbedCell": {"jitter": 0.0, "mask": 0.0, "norm": "none"},
                "PairCell": _pairs("instance", "temporal", pool="max", kernel=2),
                "LossCell": {"loss": "nt_xent", "similarity": "dot", "temperature": 1.0},
                "EncoderCell": dict(_DILATED_STACK),
                "TrainCell": {"learning_rate": 0.001, "batch_size": 8, "weight_averaging": True},
            },
        ),
        "simclr": Preset(
            source="SimCLR, Chen et al. 2020, arXiv:2002.05709, eq. (1), temperature of its CIFAR-10 appendix",
            differs="Crop, rescaling and jitter stand for the image augmentations (inferred); no projection head; "
            "a stack of dilated convolutions instead of a ResNet; Adam with a constant rate.",
            genotype={
                "schema": SCHEMA,
                "AugCell1": _simclr_view(),
                "AugCell2": _simclr_view(),
                "EmbedCell": {"jitter": 0.0, "mask": 0.0, "norm": "none"},
                "PairCell": _pairs("instance", pool="avg", kernel=0),
                "LossCell": {"loss": "nt_xent", "similarity": "cosine", "temperature": 0.5},
                "EncoderCell": {**_DILATED_STACK, "blocks": 4, "output": 128, "readout": "mean"},
                "TrainCell": {"learning_rate": 0.001, "batch_size": 64, "weight_averaging": False},
            },
        ),
        "notes_best": Preset(
            source="The design notes' best pair of strategy and encoder",
            differs="Inferred: the operators behind the integers (migrations.NOTES_OPERATORS), that instance pairs are "
            "on, the encoder's hyperparameters and the training settings (documented at migrations.from_notes).",
            genotype=from_notes(_NOTES_STRATEGY, _NOTES_ENCODER),
        ),
        "autocl_ggs": Preset(
            source="Generally Good Strategy of AutoCL, Jing et al. 2024, arXiv:2403.12641",
            differs="Inferred, not checked against released code: every strength, the order of the augmentations, "
            "pooling and kernel, InfoNCE on a distance with temperature 1. Not part of the strategy and taken from "
            "TS2Vec, as the paper's encoder is: the encoder and the training settings. Both views share one chain.",
            genotype={
                "schema": SCHEMA,
                "AugCell1": _ggs_view(),
                "AugCell2": _ggs_view(),
                "EmbedCell": {"jitter": 0.7, "mask": 0.1, "norm": "none"},
                "PairCell": _pairs("instance", pool="avg", kernel=5),
                "LossCell": {"loss": "info_nce", "similarity": "neg_euclidean", "temperature": 1.0},
                "EncoderCell": dict(_DILATED_STACK),
                "TrainCell": {"learning_rate": 0.001, "batch_size": 8, "weight_averaging": True},
            },
        ),
    }
)


def preset(name: str, kind: str | None = None) -> Genotype:
    """Return a named genotype.

    Args:
        name: A key of `PRESETS`.
        kind: Kind of the task. For `forecasting` and `anomaly` the readout is
            `last`; otherwise it stays the preset's own.

    Raises:
        UnknownOptionError: If the name or the kind is unknown; names the nearest.
    """
    if name not in PRESETS:
        raise UnknownOptionError(f"preset: unknown name, got {name!r}{nearest(name, PRESETS)}")
    if kind is not None and kind not in _READOUT_OF_KIND:
        raise UnknownOptionError(f"kind: unknown task kind, got {kind!r}{nearest(kind, _READOUT_OF_KIND)}")
    data = dict(PRESETS[name].genotype)
    readout = None if kind is None else _READOUT_OF_KIND[kind]
    if readout is not None:
        data["EncoderCell"] = {**data["EncoderCell"], "readout": readout}
    return Genotype.from_dict(data)
