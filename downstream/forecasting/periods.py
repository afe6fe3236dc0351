"""The period of a task's training rows: how many steps a season takes."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from downstream.forecasting.rows import fill_gaps

Floats = NDArray[np.floating]

LONGEST = 1000
_SHARE, _HIDDEN = 0.5, 1 / 3
_LEAST, _DEVIATIONS = 0.05, 4.0
MOST_ROWS = 1 << 16
"""Last rows of a series that are asked: 65 of the longest periods."""
MOST_COLUMNS = 64
"""Columns of all series that are asked, evenly chosen."""


def find_period(series: Sequence[Floats], *, longest: int = LONGEST) -> int:
    """Return the period of the training rows, by their autocorrelation; 1 where there is none.

    A period stands out: after one and after two of them the correlation is higher than half a period before and
    behind. The mean of these two is taken, so a slope does not count, and drift that keeps every correlation high does
    no harm. Of several that do, as multiples of a period and a week of days, it is the first that stands out about as
    much as any. Where slow cycles hide it (a year in hourly rows) and it stands out three times as much in the changes
    from row to row, these are asked instead. Of much data, the last `MOST_ROWS` of `MOST_COLUMNS` columns are asked.

    Args:
        series: Training rows, (time, variates) each; NaN is missing.
        longest: The longest period to consider; a fifth of the rows at most.
    """
    asked = _thinned(series)
    lags = np.arange(2, longest + 1)
    least = max(_LEAST, _DEVIATIONS / math.sqrt(max(sum(len(rows) for rows in asked), 1)))
    half, heights = lags // 2, []
    for order in (0, 1):
        total = np.zeros(5 * longest // 2 + 2)
        for rows in asked:
            total += _autocorrelation(np.diff(fill_gaps(rows[None])[0][0], n=order, axis=0), n_lags=len(total))
        once, twice = (total[at] - (total[at - half] + total[at + half]) / 2 for at in (lags, 2 * lags))
        heights.append(np.minimum(once, twice) / max(total[0], 1e-12))
    height = heights[int(heights[0].max() < max(least, _HIDDEN * heights[1].max()))]
    if height.max() <= least:
        return 1
    first = np.flatnonzero(height >= max(least, _SHARE * height.max()))[0]
    near = slice(first, first + max(1, int(lags[first]) // 3))  # it may be the foot of a broad peak
    return int(lags[near][height[near].argmax()])


def _thinned(series: Sequence[Floats]) -> list[Floats]:
    """Return the last rows of evenly chosen columns: a season that is there is there in most of them."""
    some = series[:: max(1, -(-len(series) // MOST_COLUMNS))]
    width = max((rows.shape[1] for rows in some), default=0)
    stride = max(1, -(-len(some) * width // MOST_COLUMNS))
    return [np.asarray(rows)[-MOST_ROWS:, ::stride] for rows in some]


def _autocorrelation(rows: Floats, *, n_lags: int) -> Floats:
    """Return the mean autocorrelation of the variates without their straight lines; 0 behind half of the rows."""
    correlations = np.zeros(n_lags)
    reach = min(n_lags, len(rows) // 2)
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
