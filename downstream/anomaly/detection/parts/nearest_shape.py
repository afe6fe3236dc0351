"""How far a window is from the nearest normal one, whatever the level of the two."""

import numpy as np

from downstream.anomaly.detection.parts._part import Floats
from downstream.anomaly.detection.parts.nearest_raw import NearestRaw


class NearestShape(NearestRaw):
    """Euclidean distance between windows less their means; their sizes still count.

    Dividing by the deviation as well, as the matrix profile does, makes flat stretches as loud as any other.
    """

    @staticmethod
    def _seen(values: Floats) -> Floats:
        """Return windows less the mean of each variate, (n, length, variates)."""
        return np.asarray(values - values.mean(axis=1, keepdims=True))
