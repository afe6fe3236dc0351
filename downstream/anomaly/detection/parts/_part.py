"""What parts of an anomaly score have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Places = NDArray[np.int64]


class Cuts(NamedTuple):
    """Windows of one series, as parts see them.

    Attributes:
        values: Scaled, missing values 0 (the mean), float32 (n, length, variates).
        places: The last step of each, counted as those of the normal windows are; None where they are not of the
            recording that the normal windows were cut from. (n,)
        representation: What the encoder makes of them, float32 (n, features); None where no part asks for it.
    """

    values: NDArray[np.float32]
    places: Places | None
    representation: NDArray[np.float32] | None

    def flat(self) -> NDArray[np.float32]:
        """Return windows as rows, (n, length * variates)."""
        return self.values.reshape(len(self.values), -1)


class Part(ABC):
    """A measure of how strange a window is beside normal ones.

    A normal window, and one that overlaps normal ones, is measured as if these had not been seen. So scores of the
    windows that a part was fitted to say how others will be scored.
    """

    represents: ClassVar[bool] = False
    """Whether it looks at representations."""

    @classmethod
    @abstractmethod
    def fit(cls, known: Cuts) -> Self:
        """Return the part fitted to normal windows, at least one, with places."""

    @abstractmethod
    def score(self, asked: Cuts) -> Floats:
        """Return a number >= 0 for each window, larger is stranger, (n,)."""


class PartByVariate(Part):
    """A part that is the root of a sum over variates."""

    def score(self, asked: Cuts) -> Floats:
        """Return the root of the sum over variates, (n,)."""
        return np.asarray(np.sqrt(self.squares(asked).sum(axis=1)))

    @abstractmethod
    def squares(self, asked: Cuts) -> Floats:
        """Return what each variate adds to the square of the score, >= 0, (n, variates)."""
