"""A probe in use: what an estimator predicts with, in a form that can be saved without pickling."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from downstream.represent import Represent
from downstream.scaling import Scaled

LONGEST_WINDOW = 2**20
"""Time steps; a file that claims more is not believed."""
Series = Sequence[Scaled]


@dataclass(frozen=True, eq=False)
class Predictor(ABC):
    """A fitted probe of one kind of task: nothing but facts and tensors.

    Args:
        facts: JSON values.
        tensors: Weights.

    Raises:
        ValueError: If a fact or tensor does not fit the others: a file may claim anything.
        KeyError: If one is missing.
        TypeError: If one is of another type.
    """

    facts: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = field(repr=False)

    def __post_init__(self) -> None:
        self._check()

    classes: ClassVar[NDArray[Any] | None] = None
    """The classes in the order of their probabilities; None where a kind has none."""

    @abstractmethod
    def predict(self, represent: Represent, series: Series) -> NDArray[Any]:
        """Return predictions for scaled series or cases."""

    @abstractmethod
    def score(self, represent: Represent, series: Series, truth: Any) -> float:
        """Return one value of predictions against the truth, higher is better.

        Raises:
            DataError: If the truth does not fit the series, or does not suffice for a score.
        """

    @abstractmethod
    def _check(self) -> None:
        """Check that facts and tensors belong together."""


def stacked(rows: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return what is said of each series as one array, or as an array of arrays where lengths differ."""
    if len({len(row) for row in rows}) == 1:
        return np.stack(rows)
    ragged = np.empty(len(rows), dtype=object)
    ragged[:] = rows
    return ragged


def check_length(facts: Mapping[str, Any], name: str) -> None:
    """Check a fact that counts time steps.

    Raises:
        ValueError: If it is no whole number in 1..`LONGEST_WINDOW`.
    """
    value = facts[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST_WINDOW:
        raise ValueError(f"{name} must be a whole number in 1..{LONGEST_WINDOW}")


def check_shapes(tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Check the shapes of some tensors.

    Raises:
        ValueError: If one has another shape.
    """
    for name, shape in shapes.items():
        if tuple(tensors[name].shape) != shape:
            raise ValueError(f"{name} must be {shape}, got {tuple(tensors[name].shape)}")


def is_finite(value: object) -> bool:
    """Whether a fact is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
