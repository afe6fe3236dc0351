"""The names around supervised relatives, for whoever only asks for one: no torch, and nothing is built."""

import math
from collections.abc import Mapping
from types import MappingProxyType

OF_PRESETS = ("dlinear", "patchtst", "itransformer", "timesnet", "timexer", "witran", "tsmixer")
"""Those that are encoders of presets of the same name."""
NAMES = (*OF_PRESETS, "mts_mixers", "lstm", "mogrifier_lstm", "ft_transformer", "can")
LOSSES = ("mse", "mae", "smooth_l1")
"""What training can minimise: squared errors, absolute ones, or squared below 1 and absolute above (Huber 1964)."""

REGULARIZERS: Mapping[str, tuple[tuple[str, ...], float]] = MappingProxyType(
    {
        "orthogonality": (("timexer", "itransformer"), 1e-3),
        "frequency_consistency": (("timesnet",), 0.5),
        "patch_distribution": (("patchtst",), 0.1),
    }
)
"""Regulariser -> the relatives that have what it acts on, and its usual weight."""


def regularizer_and_weight(text: str, *, baseline: str) -> tuple[str, float]:
    """Return the regulariser and the weight that `NAME` or `NAME=WEIGHT` stands for.

    Raises:
        ValueError: If there is none of that name, it belongs to other relatives, or the weight is none.
    """
    name, _, weight = text.partition("=")
    if name not in REGULARIZERS:
        raise ValueError(f"must be one of {', '.join(REGULARIZERS)}, got {name!r}")
    owners, usual = REGULARIZERS[name]
    if baseline not in owners:
        raise ValueError(f"{name} is for {' and '.join(owners)}; {baseline} has nothing that it acts on")
    if "=" not in text:
        return name, usual
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise ValueError(f"the weight behind = must be a number above 0, got {weight!r}")
    return name, value
