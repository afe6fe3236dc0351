"""How far a window is from the nearest normal one, step by step."""

from typing import Self

import numpy as np

from downstream.anomaly.detection.parts._neighbours import neighbour
from downstream.anomaly.detection.parts._part import Cuts, Floats, PartByVariate


class NearestRaw(PartByVariate):
    """Euclidean distance between windows as they are: the matrix profile without its normalisation.

    Source: matrix profile, Yeh et al. 2016, doi:10.1109/ICDM.2016.0179.
    """

    def __init__(self, known: Cuts) -> None:
        assert known.places is not None
        self._places = known.places
        self._windows = self._seen(known.values)

    @classmethod
    def fit(cls, known: Cuts) -> Self:
        """Keep normal windows."""
        return cls(known)

    def squares(self, asked: Cuts) -> Floats:
        """Return the squared differences from the nearest normal window, summed over steps, (n, variates)."""
        windows = self._seen(asked.values)
        rows, reference = (each.reshape(len(each), -1) for each in (windows, self._windows))
        found = neighbour(rows, asked, reference=reference, known=self._places)
        gaps = np.square(windows - self._windows[found.number]).sum(axis=1)
        return np.where(found.distance[:, None] > 0, gaps, 0.0)

    @staticmethod
    def _seen(values: Floats) -> Floats:
        """Return of windows what is compared, (n, length, variates)."""
        return values
