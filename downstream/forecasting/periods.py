"""Seasons of series."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from downstream.forecasting.rows import fill_gaps

Floats = NDArray[np.floating]


def find_period(series: Sequence[Floats], *, longest: int = 1000) -> int:
    """Return the period of the training rows: the first of the highest peaks of their autocorrelation; 1 without any.

    Only local peaks behind the first crossing of zero count, so slow drift does not pass for a season.
    Where drift hides every crossing (a year in hourly rows), the changes from row to row are asked instead.

    Args:
        series: Training rows, (time, variates) each.
        longest: The longest period to consider; a third of the rows at most.
    """
    for order in (0, 1):
        total = np.zeros(longest + 2)
        for rows in series:
            changes = np.diff(fill_gaps(np.asarray(rows)[None])[0][0], n=order, axis=0)
            total += _autocorrelation(changes, n_lags=longest + 2)
        crossed = np.flatnonzero(total <= 0)
        crossed = crossed[crossed > 0]
        if len(crossed) == 0:
            continue
        lags = np.arange(max(int(crossed[0]), 2), longest + 1)
        least = 0.1 * total[0]
        peaks = lags[(total[lags] > total[lags - 1]) & (total[lags] >= total[lags + 1]) & (total[lags] > least)]
        if len(peaks):
            # Multiples of a period peak as high as the period itself.
            return int(peaks[total[peaks] >= 0.85 * total[peaks].max()][0])
    return 1


def _autocorrelation(rows: Floats, *, n_lags: int) -> Floats:
    """Return the mean autocorrelation of the variates without their straight lines; 0 behind a third of the rows."""
    correlations = np.zeros(n_lags)
    reach = min(n_lags, len(rows) // 3)
    if reach < 4:
        return correlations
    # A trend correlates at every lag.
    steps = np.linspace(-1.0, 1.0, len(rows))[:, None]
    level = rows - rows.mean(axis=0)
    level = level - steps * (level * steps).sum(axis=0) / (steps**2).sum()
    spectrum = np.abs(np.fft.rfft(level, n=2 * len(rows), axis=0)) ** 2
    correlation = np.fft.irfft(spectrum, axis=0)[:reach]
    correlations[:reach] = (correlation / np.maximum(correlation[:1], 1e-12)).mean(axis=1)
    return correlations
