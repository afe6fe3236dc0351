"""The regions of the default space, value by value: a new option changes them only where somebody adds it.

What hardly ever was among the best tenth of the shipped bank's trials is left out (`docs/results.md`). Of `graphs`
most operators see fewer steps than the shortest window that a candidate may have instead of the task's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from search_space.genotype.rules import NONE, WINDOWS

Values = Mapping[str, Mapping[str, tuple[Any, ...]]]

_CHAIN = {
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
_STRATEGY: Values = {
    "AugCell1": _CHAIN,
    "AugCell2": _CHAIN,
    "EmbedCell": {
        "jitter": (0.0, 0.1, 0.2),
        "mask": (0.0, 0.1, 0.2),
        "norm": (NONE, "l2", "layernorm"),
    },
    "PairCell": {
        "kinds": ("cross_scale", "instance", "neighbor", "temporal"),
        "pool": ("avg", "max"),
        "kernel": (2, 3, 5, 7),
    },
    "LossCell": {
        "loss": ("info_nce", "nt_xent", "triplet"),
        "info_nce.temperature": _TEMPERATURES,
        "nt_xent.temperature": _TEMPERATURES,
        "triplet.margin": (0.5, 1.0),
        "similarity": ("cosine", "dot", "neg_euclidean"),
        "weighting": (NONE,),
        "auxiliary": (NONE,),
    },
}

_GRAPHS: Values = {
    **_STRATEGY,
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
        "hidden": (32, 64),
        "output": (128,),
        "dropout": (0.0, 0.1),
        "normalization": (NONE, "instance", "last"),
        "channels": ("independent", "mixed"),
        "readout": ("max", "mean", "multiscale", "ppv"),
    },
    "TrainCell": {
        "learning_rate": (3e-4, 1e-3, 3e-3),
        "batch_size": (8, 16, 32),
        "weight_averaging": (False, True),
    },
}

_DEEP_CHAIN = {**_CHAIN, "crop.ratio": (*_CHAIN["crop.ratio"], 0.9)}  # as TS2Vec crops
_TS2VEC: Values = {
    **_STRATEGY,
    "AugCell1": _DEEP_CHAIN,
    "AugCell2": _DEEP_CHAIN,
    "EncoderCell": {
        "nodes": (1,),
        "operators": ("conv1d", "dilated_conv", "gated_dilated_conv"),
        "blocks": (6, 10),
        "hidden": (64,),
        "output": (320,),
        "dropout": (0.0, 0.1),
        "normalization": (NONE, "instance"),
        "channels": ("independent", "mixed"),
        "readout": ("max", "mean", "multiscale"),
        "window": WINDOWS,
    },
    "TrainCell": {"learning_rate": (1e-3, 3e-3), "batch_size": (8, 16), "weight_averaging": (False, True)},
}

_WARPED_CHAIN = {
    **_CHAIN,
    "options": (
        "crop",
        "frequency_mask",
        "jitter",
        "magnitude_warp",
        "point_mask",
        "rescale",
        "resize",
        "time_warp",
    ),
    "magnitude_warp.sigma": (0.05, 0.1, 0.2, 0.3, 0.5),
    "time_warp.sigma": (0.05, 0.1, 0.2, 0.3, 0.5),
    "lengths": (1, 2, 3),
}
_UNCHANGED = {"options": (), "lengths": (0,)}
_PLAIN_EMBED = {"jitter": (0.0,), "mask": (0.0,), "norm": (NONE,)}
_WHOLE_WINDOWS = {"kinds": ("instance",), "pool": ("avg",), "kernel": (0,)}
_ALONE = {"similarity": ("cosine",), "weighting": (NONE,), "auxiliary": (NONE,)}
_BANK = {
    "nodes": (1,),
    "blocks": (1,),
    "output": (0,),
    "dropout": (0.0,),
    "normalization": (NONE, "instance"),
    "channels": ("mixed",),
    "input": ("raw", "difference", "both"),
    "window": WINDOWS,
}

_BANKS: Values = {
    "AugCell1": _WARPED_CHAIN,
    "AugCell2": _WARPED_CHAIN,
    "EmbedCell": {**_PLAIN_EMBED, "head": (128,)},
    "PairCell": _WHOLE_WINDOWS,
    "LossCell": {
        "loss": ("info_nce", "nt_xent"),
        "info_nce.temperature": (0.1, 0.2, 0.5),
        "nt_xent.temperature": (0.1, 0.2, 0.5),
        **_ALONE,
    },
    "EncoderCell": {
        **_BANK,
        "operators": ("trained_kernel_bank",),
        "hidden": (504, 1008),
        "readout": ("multirocket_4", "shares_4", "shares_8"),
    },
    "TrainCell": {"learning_rate": (1e-3, 3e-3, 1e-2), "batch_size": (32,), "weight_averaging": (False, True)},
}

# Nothing learns: one strategy stands for all, or there would be thousands of equal candidates.
_FROZEN: Values = {
    "AugCell1": _UNCHANGED,
    "AugCell2": _UNCHANGED,
    "EmbedCell": _PLAIN_EMBED,
    "PairCell": _WHOLE_WINDOWS,
    "LossCell": {"loss": ("nt_xent",), "nt_xent.temperature": (0.2,), **_ALONE},
    "EncoderCell": {
        **_BANK,
        "operators": ("gaussian_kernel_bank", "kernel_bank", "mixed_kernel_bank"),
        "hidden": (1008, 1512, 3072),
        "readout": ("hydra", "multirocket_8", "multirocket_hydra", "shares_8"),
    },
    "TrainCell": {"learning_rate": (1e-3,), "batch_size": (32,), "weight_averaging": (False,)},
}

# Nothing descends: of the Train cell only the size of a batch says anything.
_CLOSED_FORM: Values = {
    "AugCell1": _WARPED_CHAIN,
    "AugCell2": _UNCHANGED,
    "EmbedCell": _PLAIN_EMBED,
    "PairCell": _WHOLE_WINDOWS,
    "LossCell": {"loss": ("log_det",), "log_det.strength": (0.03, 0.1, 0.3), **_ALONE},
    "EncoderCell": {
        **_BANK,
        "operators": ("gaussian_kernel_bank", "kernel_bank"),
        "hidden": (504, 1008, 2048),
        "readout": ("hydra", "multirocket_4", "shares_4", "shares_8"),
        "embedding": (64, 256, 512),
    },
    "TrainCell": {"learning_rate": (1e-3,), "batch_size": (32,), "weight_averaging": (False,)},
}

# What a forecast needs of each stretch of a window, variate by variate; nothing learns here either.
_PATCHES: Values = {
    **_FROZEN,
    "EncoderCell": {
        **_BANK,
        "operators": ("gaussian_kernel_bank", "kernel_bank"),
        "hidden": (24, 48),
        "normalization": (NONE, "instance", "last"),
        "channels": ("independent",),
        "readout": ("patches_16", "patches_32", "patches_8"),
        "input": ("raw",),
    },
}

REGIONS: Mapping[str, tuple[int, Values]] = MappingProxyType(
    {
        "graphs": (4, _GRAPHS),
        "ts2vec": (1, _TS2VEC),
        "banks": (3, _BANKS),
        "frozen": (1, _FROZEN),
        "closed_form": (2, _CLOSED_FORM),
        "patches": (1, _PATCHES),
    }
)
"""Name -> share and values. Graphs of small operators; TS2Vec's deep stack; banks of random kernels that learn, that
stay as they are, below an embedding in closed form, and read stretch by stretch. A file's blanks are filled from the
first that fits it."""
