"""The two spaces that come with the software: the default one and the full one."""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from search_space.genotype.rules import FIELDS, Options
from search_space.space.choices import SearchSpace
from search_space.space.default_regions import REGIONS, Values
from search_space.space.regions import Region, Regions, Space

# AutoCL's eleven strengths (Jing et al. 2024, arXiv:2403.12641)
STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_STRENGTH_NAMES = (".ratio", ".sigma")
_ALL: tuple[Any, ...] = ()  # whatever is legal

_FULL: Values = MappingProxyType(
    {
        "AugCell1": {"lengths": (0, 1, 2, 3, 4), "options": _ALL},
        "AugCell2": {"lengths": (0, 1, 2, 3, 4), "options": _ALL},
        "EmbedCell": {"jitter": STRENGTHS, "mask": STRENGTHS, "norm": _ALL, "head": (0, 128)},
        "PairCell": {"kinds": _ALL, "pool": _ALL, "kernel": _ALL},
        "LossCell": {"loss": _ALL, "similarity": _ALL, "weighting": _ALL, "auxiliary": _ALL},
        "EncoderCell": {
            "nodes": (1, 2, 3, 4, 5, 6),
            "operators": _ALL,
            "blocks": (1, 2, 4),
            "hidden": (16, 32, 64, 128),
            "output": (64, 128, 256, 320),
            "dropout": (0.0, 0.1),
            "normalization": _ALL,
            "channels": _ALL,
            "readout": _ALL,
            "input": _ALL,
            "taps": (1, 4),
            "embedding": (0, 256),
            "window": (0, 336),
        },
        "TrainCell": {
            "learning_rate": (3e-4, 1e-3, 3e-3, 1e-2),
            "batch_size": (8, 16, 32, 64),
            "weight_averaging": _ALL,
        },
    }
)


@cache
def default_space() -> Regions:
    """Return the space that is searched where no other is named: moderate strengths, encoders of minutes.

    Its regions are stated in `default_regions`. Strengths neither destroy more than they teach nor are zero (the
    option's absence).
    """
    return Regions({name: Region(SearchSpace(values), share) for name, (share, values) in REGIONS.items()})


def full_space() -> SearchSpace:
    """Return every registered option, in sizes of minutes; it contains the default space's region `graphs`.

    Strengths are AutoCL's eleven from 0 to 0.95 beside the registered choices.
    """
    cells = {cell: {**fields} for cell, fields in _FULL.items()}
    for cell, fields in cells.items():
        for field, rule in FIELDS[cell].items():
            if isinstance(rule, tuple):
                fields[field] = fields[field] or rule
            elif isinstance(rule, Options):
                fields[field] = fields[field] or rule.names()
                for name, registered in rule.parameters(fields[field]).items():
                    wider = STRENGTHS if cell.startswith("AugCell") and name.endswith(_STRENGTH_NAMES) else ()
                    fields[name] = (*registered, *wider)
    return SearchSpace(cells)


SPACES: Mapping[str, Callable[[], Space]] = MappingProxyType({"default": default_space, "full": full_space})
"""The spaces that have a name."""
