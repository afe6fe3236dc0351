"""Whether the tensors and facts of a saved predictor belong together: a file may claim anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from downstream.forecasting.models import Setting
from nas.saved.encoder import LONGEST_WINDOW, checked_names

_LENGTHS = {"classification": (), "forecasting": ("horizon", "window", "raw_lags"), "anomaly": ("window",)}


def check_predictor(kind: object, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Check what a predictor's file holds.

    Raises:
        ValueError: If the kind is unknown, or a fact or tensor does not fit the others.
        KeyError: If a fact or tensor is missing.
        TypeError: If a fact is of another type.
    """
    if kind not in _LENGTHS:
        raise ValueError(f"kind must be one of {', '.join(_LENGTHS)}")
    assert isinstance(kind, str)
    for name in _LENGTHS[kind]:
        value = facts[name]
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST_WINDOW:
            raise ValueError(f"{name} must be a whole number in 1..{LONGEST_WINDOW}")
    {"classification": _check_classes, "forecasting": _check_forecasters, "anomaly": _check_reference}[kind](
        facts, tensors
    )


def _check_classes(facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    classes = checked_names(facts["classes"], what="classes")
    n_classes, n_features = tensors["weights"].shape
    wanted = {"mean": (n_features,), "deviation": (n_features,), "intercept": (n_classes,), "numbers": (n_classes,)}
    for name, shape in wanted.items():
        if tuple(tensors[name].shape) != shape:
            raise ValueError(f"{name} must be {shape}, got {tuple(tensors[name].shape)}")
    numbers = tensors["numbers"]
    if numbers.is_floating_point() or numbers.is_complex() or not n_classes:
        raise ValueError("numbers must be whole numbers of classes")
    if int(numbers.min()) < 0 or int(numbers.max()) >= len(classes):
        raise ValueError(f"numbers must be in 0..{len(classes) - 1}")


def _check_forecasters(facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    if not isinstance(facts["joint"], bool) or not isinstance(facts["parts"], list) or not facts["parts"]:
        raise ValueError("joint must be true or false, and parts a list")
    for number, (setting, weight) in enumerate(facts["parts"]):
        if not all(isinstance(word, str) for word in Setting(*setting)) or not _is_finite(weight):
            raise ValueError(f"parts[{number}] must be a setting in words and its weight")
        if not tensors[f"weights.{number}"].ndim or not tensors[f"intercept.{number}"].ndim:
            raise ValueError(f"weights.{number} and intercept.{number} must have axes")
    if tensors["mean"].ndim != 2 or tensors["mean"].shape != tensors["deviation"].shape:
        raise ValueError("mean and deviation must be (series, variates)")


def _check_reference(facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    if tensors["reference"].ndim != 2 or not len(tensors["reference"]):
        raise ValueError("reference must be (representations, features)")
    if not _is_finite(facts["mean"]) or not _is_finite(facts["deviation"]) or not facts["deviation"] > 0:
        raise ValueError("mean and deviation must be finite, and the deviation > 0")


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
