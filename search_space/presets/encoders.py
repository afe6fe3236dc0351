"""Published encoders, each beside a strategy that can teach it without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from search_space.migrations import SCHEMA
from search_space.presets._preset import NO_EMBED, Preset, pairs, training, ts2vec_view

_TAUGHT_BY_TS2VEC = "The paper trains on the forecast itself; here TS2Vec's strategy and training settings teach it. "


def _encoder(
    edges: Sequence[tuple[int, str]],
    *,
    blocks: int,
    hidden: int,
    dropout: float,
    normalization: str,
    channels: str,
    readout: str,
) -> dict[str, Any]:
    """Return an EncoderCell in the dict form; the representation is as wide as the latent."""
    return {
        "edges": [list(edge) for edge in edges],
        "blocks": blocks,
        "hidden": hidden,
        "output": hidden,
        "dropout": dropout,
        "normalization": normalization,
        "channels": channels,
        "readout": readout,
    }


def _taught_by_ts2vec(encoder: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "AugCell1": ts2vec_view(),
        "AugCell2": ts2vec_view(),
        "EmbedCell": dict(NO_EMBED),
        "PairCell": pairs("instance", "temporal", pool="max", kernel=2),
        "LossCell": {"loss": "nt_xent", "similarity": "dot", "temperature": 1.0},
        "EncoderCell": dict(encoder),
        "TrainCell": training(0.001, 8, averaging=True),
    }


ENCODERS: Mapping[str, Preset] = MappingProxyType(
    {
        "dlinear": Preset(
            source="DLinear, Zeng et al. 2023, arXiv:2205.13504, section 4",
            differs=_TAUGHT_BY_TS2VEC + "64 features per variate take the place of the forecast steps, so one filter "
            "per feature stands for one row of the linear layer; filters of 88 steps, so that any window works, and "
            "an average that looks back only (see the operator).",
            genotype=_taught_by_ts2vec(
                _encoder(
                    [(0, "decomposition_linear")],
                    blocks=1,
                    hidden=64,
                    dropout=0.0,
                    normalization="none",
                    channels="independent",
                    readout="last",
                )
            ),
        ),
        "itransformer": Preset(
            source="iTransformer, Liu et al. 2024, arXiv:2310.06625, section 3",
            differs=_TAUGHT_BY_TS2VEC + "A token is a variate at one step: a filter over the last 88 steps embeds the "
            "history (inferred to stand for the linear embedding of the whole window), then two layers of attention "
            "across variates follow, each with a second residual connection that the graph's rule asks for. Width "
            "64 instead of 512, so that minutes of CPU time suffice.",
            genotype=_taught_by_ts2vec(
                _encoder(
                    [
                        (0, "decomposition_linear"),
                        (1, "identity"),
                        (1, "variate_attention"),
                        (2, "identity"),
                        (2, "variate_attention"),
                    ],
                    blocks=1,
                    hidden=64,
                    dropout=0.1,
                    normalization="instance",
                    channels="independent",
                    readout="last",
                )
            ),
        ),
    }
)
