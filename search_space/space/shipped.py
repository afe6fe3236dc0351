"""The two spaces that come with the software: the default one and the full one."""

from collections.abc import Mapping
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
        "EmbedCell": {"jitter": STRENGTHS, "mask": STRENGTHS, "norm": _ALL},
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
        },
        "TrainCell": {
            "learning_rate": (3e-4, 1e-3, 3e-3),
            "batch_size": (8, 16, 32, 64),
            "weight_averaging": _ALL,
        },
    }
)

_COVERED_CHAIN = {
    "lengths": (0, 1, 2, 3),
    "options": ("crop", "frequency_mask", "jitter", "point_mask", "rescale", "resize"),
}
# Where the trials of the shipped bank cover less: a comparator can rank nothing else.
_COVERED: _Values = MappingProxyType(
    {
        "AugCell1": _COVERED_CHAIN,
        "AugCell2": _COVERED_CHAIN,
        "EmbedCell": {
            "jitter": (0.0, 0.1, 0.2),
            "mask": (0.0, 0.1, 0.2),
            "norm": (NONE, "batchnorm", "l2", "layernorm"),
        },
        "PairCell": {"kinds": ("cross_scale", "instance", "neighbor", "temporal")},
        "LossCell": {
            "loss": ("info_nce", "nt_xent", "triplet"),
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
            "readout": ("attention", "last", "max", "mean", "multiscale", "ppv"),
        },
        "TrainCell": {"batch_size": (8, 16, 32)},
    }
)


def default_space() -> SearchSpace:
    """Return the space of the shipped bank and comparator: its options, moderate strengths, encoders of minutes.

    Option parameters draw from the registered choices, which neither destroy more
    than they teach nor are zero (the option's absence).
    """
    return _space({cell: {**fields, **_COVERED[cell]} for cell, fields in _FULL.items()}, strengths=())


def full_space() -> SearchSpace:
    """Return everything that the software reckons with; it contains the default space.

    Strengths are AutoCL's eleven from 0 to 0.95 beside the registered choices.
    """
    return _space(_FULL, strengths=STRENGTHS)


def _space(given: _Values, *, strengths: tuple[float, ...]) -> SearchSpace:
    """Return the space of these values; of augmentations, `strengths` are drawn beside the registered ones."""
    cells = {cell: {**fields} for cell, fields in given.items()}
    for cell, fields in cells.items():
        for field, rule in FIELDS[cell].items():
            if isinstance(rule, tuple):
                fields[field] = fields[field] or rule
            elif isinstance(rule, Options):
                fields[field] = fields[field] or rule.names()
                for name, registered in rule.parameters(fields[field]).items():
                    wider = strengths if cell.startswith("AugCell") and name.endswith(_STRENGTH_NAMES) else ()
                    fields[name] = tuple(sorted({*registered, *wider}))
    return SearchSpace(cells)
