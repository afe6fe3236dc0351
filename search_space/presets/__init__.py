"""Named genotypes: published strategies and encoders as points of this space.

Each says where it comes from and what differs, because a point of this space is
never the published code itself.
"""

from collections.abc import Mapping
from types import MappingProxyType

from search_space.genotype import Genotype
from search_space.presets._preset import Preset
from search_space.presets.banks import BANKS
from search_space.presets.by_name import BY_NAME
from search_space.presets.encoders import ENCODERS
from search_space.presets.strategies import STRATEGIES
from search_space.registry import UnknownOptionError
from search_space.sentences import nearest

__all__ = ["BANKS", "BY_NAME", "ENCODERS", "NAMED", "PRESETS", "STRATEGIES", "Preset", "preset"]

PRESETS: Mapping[str, Preset] = MappingProxyType({**STRATEGIES, **ENCODERS, **BANKS})
"""What a search tries on every task."""
NAMED: Mapping[str, Preset] = MappingProxyType({**PRESETS, **BY_NAME})
"""All that have a name."""

# Kinds of task whose answer is about the last step, where the representation is then taken.
_ABOUT_THE_LAST_STEP = frozenset({"forecasting", "anomaly"})


def preset(name: str, kind: str | None = None) -> Genotype:
    """Return a named genotype.

    Args:
        name: A key of `NAMED`.
        kind: Kind of the task. Where its answer is about the last step, as in
            `forecasting` and `anomaly`, the readout is `last`, unless it gives
            the end of the window a place of its own (patches); otherwise, and
            where None, it stays the preset's own.

    Raises:
        UnknownOptionError: If the name is unknown; names the nearest.
    """
    if name not in NAMED:
        raise UnknownOptionError(f"preset: unknown name, got {name!r}{nearest(name, NAMED)}")
    data = dict(NAMED[name].genotype)
    if kind in _ABOUT_THE_LAST_STEP and not data["EncoderCell"]["readout"].startswith("patches"):
        data["EncoderCell"] = {**data["EncoderCell"], "readout": "last"}
    return Genotype.from_dict(data)
