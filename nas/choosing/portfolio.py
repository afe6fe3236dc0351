"""Candidates that are known to be good before a task is seen: the presets, and of these the surest first."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from ahc.landmarks import PROBES
from search_space.genotype import Genotype
from search_space.presets import NAMED, PRESETS, preset

_CASES = ("hydra", "multirocket")
SUREST: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "classification": _CASES,
        "regression": _CASES,
        "forecasting": ("rocket_patches", "ts2vec"),
        "anomaly": ("ts2vec", "paano"),
    }
)
"""By kind of task, presets that are good on most, the best first: an answer begins with them, and is theirs where
validation cannot tell better. Measured for cases on 41 classification sets, with new splits (`docs/results.md`);
regression has the same."""

_USUAL: Mapping[str, str] = MappingProxyType({"classification": "minirocket", "regression": "minirocket"})


def surest(kind: str) -> list[Genotype]:
    """Return the presets of `SUREST` of a kind of task, in its form."""
    return [preset(name, kind=kind) for name in SUREST[kind]]


def usual(kind: str) -> Genotype:
    """Return the preset that costs what a candidate of a kind of task usually may."""
    return preset(_USUAL.get(kind, "ts2vec"), kind=kind)


def portfolio(kind: str) -> list[Genotype]:
    """Return the presets that searches try, in the form of a kind of task, each design once.

    The surest are first, then the fixed probes, by which the comparator learns what task it is.
    """
    named = dict.fromkeys([*SUREST[kind], *PROBES, *PRESETS])
    return list({genotype.key: genotype for genotype in (preset(name, kind=kind) for name in named)}.values())


def preset_name(genotype: Genotype, *, kind: str) -> str | None:
    """Return the name of the preset that a genotype is, in the form of a kind of task; None where it is none."""
    return _names(kind).get(genotype.key)


@cache
def _names(kind: str) -> Mapping[str, str]:
    """Return the name of each preset by its key in the form of a kind of task; of equal ones the first."""
    return {preset(name, kind=kind).key: name for name in reversed([*NAMED])}
