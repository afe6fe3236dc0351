"""The nearest normal window that does not overlap the one that is asked about."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from downstream.anomaly.detection.parts._part import Cuts, Floats, Places
from downstream.probes.knn import nearest


class Neighbour(NamedTuple):
    """Distance to the nearest of the normal windows and its number, (n,) each."""

    distance: Floats
    number: NDArray[np.int64]


def neighbour(rows: Floats, asked: Cuts, *, reference: Floats, known: Places) -> Neighbour:
    """Return the nearest reference row of each row, without those whose windows overlap its own.

    Where all do (a very short recording), only the window itself does not count; where there is no other, the
    distance is 0.

    Args:
        rows: Of the asked windows, (n, d).
        asked: The windows.
        reference: Of the normal windows, (m, d).
        known: Places of the normal windows, (m,).
    """
    window = asked.values.shape[1]
    if asked.places is None or asked.places.min() >= known[-1] + window:
        found = nearest(rows, reference)
        return Neighbour(found[0][:, 0], found[1][:, 0])
    apart = np.abs(asked.places[:, None] - known)
    found = nearest(rows, reference, excluded=apart < window)
    distance, number = found[0][:, 0], found[1][:, 0]
    alone = ~np.isfinite(distance)
    if alone.any():
        others = nearest(rows[alone], reference, excluded=apart[alone] < 1)
        distance[alone] = np.where(np.isfinite(others[0][:, 0]), others[0][:, 0], 0.0)
        number[alone] = others[1][:, 0]
    return Neighbour(distance, number)
