"""Named genotypes: published strategies and encoders as points of this space.

Each says where it comes from and what differs, because a point of this space is
never the published code itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from search_space.genotype import Genotype
from search_space.presets._preset import Preset
from search_space.presets.encoders import ENCODERS
from search_space.presets.strategies import STRATEGIES
from search_space.registry import UnknownOptionError
from search_space.validation import nearest

__all__ = ["ENCODERS", "PRESETS", "STRATEGIES", "Preset", "preset"]

PRESETS: Mapping[str, Preset] = MappingProxyType({**STRATEGIES, **ENCODERS})

# Where a forecast or an alarm is about the last step, the representation is taken there.
_READOUT_OF_KIND = MappingProxyType(
    {"forecasting": "last", "anomaly": "last", "classification": None, "regression": None}
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
