"""Class labels as they came: numbers or texts, never one made of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.errors import DataError

_MISSING = frozenset({"", "?", "nan", "nat", "<na>"})
"""Texts that stand for a label which is not there: what NumPy and pandas write of one. `NA` and `None` are names."""
_TEXTS, _NUMBERS = "texts", "numbers"


@dataclass(frozen=True, eq=False)
class ClassLabels:
    """The classes of a task, in the order of their numbers.

    Args:
        values: Each class once, as it came: bool, integers, floats or text, (n_classes,).
    """

    values: NDArray[Any]

    @classmethod
    def of(cls, parts: Sequence[NDArray[Any]]) -> ClassLabels:
        """Return the classes of labels that `checked_labels` returned; texts that are numbers are in their order.

        Raises:
            DataError: If parts hold numbers and texts.
        """
        sorts = {_sort(part) for part in parts}
        if len(sorts) > 1:
            raise DataError(f"class labels must be all {_NUMBERS} or all {_TEXTS}, got both")
        values = np.unique(np.concatenate(parts))
        if is_text(values):
            values = values[np.asarray(sorted(range(len(values)), key=lambda i: _text_order(str(values[i]))))]
        return cls(values)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes as text, each its own."""
        return tuple(str(value) for value in self.values.tolist())

    def numbers(self, labels: NDArray[Any], *, source: str) -> NDArray[np.int64]:
        """Return the number of the class of each label, (n,).

        Raises:
            DataError: If labels are texts where classes are numbers, or one is no class; names the first case.
        """
        if _sort(labels) != _sort(self.values):
            raise DataError(f"{source}: the class labels are {_sort(labels)}, those of training {_sort(self.values)}")
        number_of = {value: number for number, value in enumerate(self.values.tolist())}
        plain = labels.tolist()
        strange = next((case for case, label in enumerate(plain) if label not in number_of), None)
        if strange is not None:
            raise DataError(f"{source}: case {strange} has the class {plain[strange]!r}, which no training case has")
        return np.asarray([number_of[label] for label in plain], dtype=np.int64)

    @property
    def facts(self) -> dict[str, Any]:
        """JSON values from which `from_facts` makes the same."""
        return {"classes": self.values.tolist(), "dtype": self.values.dtype.str}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> ClassLabels:
        """Read what `facts` wrote, or a list of names without a type.

        Raises:
            ValueError: If they are no classes.
            KeyError: If a fact is missing.
            TypeError: If one is of another type.
        """
        listed, dtype = facts["classes"], np.dtype(facts.get("dtype", "O"))
        if not isinstance(listed, list) or not listed or not all(isinstance(v, str | int | float) for v in listed):
            raise ValueError("classes must be a list of names or numbers")
        if dtype.kind not in "biufUO" or (dtype.kind == "O" and not all(isinstance(v, str) for v in listed)):
            raise ValueError(f"classes cannot be of type {dtype}")
        values = np.asarray(listed, dtype=dtype)
        if values.tolist() != listed or len(set(listed)) != len(listed):
            raise ValueError(f"classes must be different values of type {dtype}")
        return cls(values)


def checked_labels(labels: NDArray[Any], *, source: str) -> NDArray[Any]:
    """Return class labels in the plainest array that holds them as they are, (n,).

    Raises:
        DataError: If one is missing, infinite or between whole numbers, or they are neither all numbers nor all texts;
            names the first case.
    """
    array = np.asarray(labels)
    if array.dtype.kind == "S" or (array.dtype.kind == "O" and all(isinstance(label, bytes) for label in array)):
        array = np.asarray([label.decode("utf-8", errors="replace") for label in array.tolist()])  # as scipy reads ARFF
    missing = np.asarray(pd.isna(array), dtype=bool)
    if array.dtype.kind in "OUT":
        missing = missing | np.asarray([isinstance(v, str) and v.strip().lower() in _MISSING for v in array.tolist()])
    if array.dtype.kind == "f":
        missing = missing | ~np.isfinite(array)
    if missing.any():
        case = int(np.flatnonzero(missing)[0])
        raise DataError(f"{source}: the label of case {case} is missing or infinite (it says {str(array[case])!r})")
    if array.dtype.kind == "O":
        array = _plain(array, source=source)
    if array.dtype.kind not in "biufUO":
        raise DataError(f"{source}: class labels must be texts or numbers, got {array.dtype}")
    if array.dtype.kind == "f" and (between := array != np.floor(array)).any():
        case = int(np.flatnonzero(between)[0])
        raise DataError(
            f"{source}: the label of case {case} is {array[case]}, of a continuous scale; classes are whole numbers or "
            "texts, and targets are for kind='regression'"
        )
    return array


def _plain(array: NDArray[Any], *, source: str) -> NDArray[Any]:
    """Return an array of objects as numbers or truth values where it holds just those; texts stay objects."""
    inferred = pd.api.types.infer_dtype(array, skipna=False)
    if inferred == "string":
        return np.asarray([str(label) for label in array.tolist()], dtype=object)
    types = {"boolean": bool, "integer": np.int64, "floating": np.float64, "mixed-integer-float": np.float64}
    if inferred not in types:
        raise DataError(f"{source}: class labels must be all {_NUMBERS} or all {_TEXTS}, got {inferred}")
    return array.astype(types[inferred])


def is_text(labels: NDArray[Any]) -> bool:
    """Whether checked labels are texts; else they are numbers or truth values."""
    return labels.dtype.kind in "UO"


def _sort(labels: NDArray[Any]) -> str:
    return _TEXTS if is_text(labels) else _NUMBERS


def _text_order(label: str) -> tuple[int, float, str]:
    """Numbers in their order come before words in theirs."""
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)
