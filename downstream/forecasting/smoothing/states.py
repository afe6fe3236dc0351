"""States of exponential smoothing, row by row, and the forecasts that follow from each in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class State:
    """What the model knows behind a row, or behind several.

    Args:
        level: Of the series, (variates,) or (rows, variates).
        trend: The change from row to row, as `level`.
        season: What was added at each of the last rows, the oldest first, (period, variates); behind several rows
            those of all of them, (rows - 1 + period, variates). Zeros of period 1 where there is no season.
    """

    level: Floats
    trend: Floats
    season: Floats


@dataclass(frozen=True)
class Smoothing:
    """Exponential smoothing with additive errors and seasons and a damped trend, of several variates at once.

    Written with errors (Hyndman et al. 2008, table 2.1): a forecast is `level + phi trend + season`; an error e moves
    the level by alpha e, the trend by beta e and the season by gamma e.

    Args:
        alpha: Of the level, (variates,).
        beta: Of the trend, (variates,).
        gamma: Of the season, (variates,).
        phi: What is left of the trend after a step, (variates,).
    """

    alpha: Floats
    beta: Floats
    gamma: Floats
    phi: Floats

    def filtered(self, rows: Floats, begin: State) -> State:
        """Return the states behind no, one, two, ... rows; nothing is fitted.

        Args:
            rows: Without gaps, (rows, variates).
            begin: The state before the first of them.

        Returns:
            One more state than rows.
        """
        period, n_variates = begin.season.shape
        level, trend = (np.empty((len(rows) + 1, n_variates)) for _ in range(2))
        season = np.concatenate([begin.season, np.empty((len(rows), n_variates))])
        level[0], trend[0] = begin.level, begin.trend
        for at, row in enumerate(rows):
            damped = self.phi * trend[at]
            expected = level[at] + damped
            error = row - expected - season[at]
            level[at + 1] = expected + self.alpha * error
            trend[at + 1] = damped + self.beta * error
            season[at + period] = season[at] + self.gamma * error
        return State(level, trend, season)

    def forecasts(self, states: State, at: NDArray[np.int64], *, horizon: int) -> Floats:
        """Return the rows ahead of some states, (len(at), horizon, variates).

        Args:
            states: As `filtered` gives them.
            at: How many rows each has seen.
            horizon: Steps ahead.
        """
        period = len(states.season) - len(states.level) + 1
        damping = np.cumsum(self.phi ** np.arange(1, horizon + 1)[:, None], axis=0)  # (horizon, variates)
        season = states.season[at[:, None] + np.arange(horizon) % period]
        forecasts: Floats = states.level[at][:, None] + damping * states.trend[at][:, None] + season
        return forecasts
