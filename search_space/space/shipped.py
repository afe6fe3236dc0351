"""The two spaces that come with the software: the default one and the full one."""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from search_space.genotype.rules import FIELDS, NONE, Options
from search_space.space.choices import SearchSpace

# AutoCL's eleven strengths (Jing et al. 2024, arXiv:2403.12641)
STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_STRENGTH_NAMES = (".ratio", ".sigma")
_ALL: tuple[Any, ...] = ()  # whatever is legal

_Values = Mapping[str, Mapping[str, tuple[Any, ...]]]

_FULL: _Values = MappingProxyType(
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
        },
        "TrainCell": {
            "learning_rate": (3e-4, 1e-3, 3e-3, 1e-2),
            "batch_size": (8, 16, 32, 64),
            "weight_averaging": _ALL,
        },
    }
)

_DEFAULT_CHAIN = {
    "options": ("crop", "frequency_mask", "jitter", "point_mask", "rescale", "resize"),
    "crop.ratio": (0.1, 0.2, 0.3, 0.4, 0.5),
    "frequency_mask.ratio": (0.05, 0.1, 0.2, 0.3, 0.4),
    "jitter.sigma": (0.05, 0.1, 0.2, 0.3, 0.5),
    "point_mask.ratio": (0.05, 0.1, 0.2, 0.3, 0.5),
    "rescale.sigma": (0.05, 0.1, 0.2, 0.3, 0.5),
    "resize.ratio": (0.05, 0.1, 0.2, 0.3, 0.4),
    "lengths": (0, 1, 2, 3),
}
_TEMPERATURES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
_DEFAULT: _Values = MappingProxyType(
    {
        "AugCell1": _DEFAULT_CHAIN,
        "AugCell2": _DEFAULT_CHAIN,
        "EmbedCell": {
            "jitter": (0.0, 0.1, 0.2),
            "mask": (0.0, 0.1, 0.2),
            "norm": (NONE, "batchnorm", "l2", "layernorm"),
        },
        "PairCell": {
            "kinds": ("cross_scale", "instance", "neighbor", "temporal"),
            "pool": ("avg", "max"),
            "kernel": (0, 2, 3, 5, 7),
        },
        "LossCell": {
            "loss": ("info_nce", "nt_xent", "triplet"),
            "info_nce.temperature": _TEMPERATURES,
            "nt_xent.temperature": _TEMPERATURES,
            "triplet.margin": (0.2, 0.5, 1.0),
            "similarity": ("cosine", "dot", "neg_euclidean"),
            "weighting": (NONE,),
            "auxiliary": (NONE,),
        },
        "EncoderCell": {
            "nodes": (2, 3, 4),
            "operators": (
                "conv1d",
                "decomposition_linear",
                "dilated_conv",
                "gated_dilated_conv",
                "gru",
                "identity",
                "patch_attention",
                "temporal_attention",
                "variate_attention",
            ),
            "blocks": (1, 2),
            "hidden": (16, 32, 64),
            "output": (64, 128),
            "dropout": (0.0, 0.1),
            "normalization": (NONE, "instance", "last"),
            "channels": ("independent", "mixed"),
            "readout": ("attention", "last", "max", "mean", "multiscale", "ppv"),
        },
        "TrainCell": {
            "learning_rate": (3e-4, 1e-3, 3e-3),
            "batch_size": (8, 16, 32),
            "weight_averaging": (False, True),
        },
    }
)


@cache
def default_space() -> SearchSpace:
    """Return the space that is searched where no other is named: moderate strengths, encoders of minutes.

    It is stated here, value by value: a new option changes it only where somebody adds it. Strengths neither destroy
    more than they teach nor are zero (the option's absence).
    """
    return SearchSpace(_DEFAULT)


def full_space() -> SearchSpace:
    """Return everything that the software reckons with; it contains the default space.

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


SPACES: Mapping[str, Callable[[], SearchSpace]] = MappingProxyType({"default": default_space, "full": full_space})
"""The spaces that have a name."""
