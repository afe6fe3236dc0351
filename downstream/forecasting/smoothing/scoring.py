"""Errors of exponential smoothing on the test part."""

import numpy as np

from downstream.forecasting.errors import ErrorSums
from downstream.forecasting.rows import fill_gaps
from downstream.forecasting.smoothing.fitting import FITTED_ROWS, fit
from downstream.forecasting.task import ForecastingTask, Origins

BLOCK_NUMBERS = 1 << 21


def errors_on_test(task: ForecastingTask, opened: ForecastingTask, horizons: tuple[int, ...]) -> dict[int, ErrorSums]:
    """Return the errors at every test origin by horizon.

    Parameters come from the last `FITTED_ROWS` training rows of each series. They stay; states follow all later rows.
    Gaps count as the value before them.
    """
    sums = dict.fromkeys(horizons, ErrorSums())
    origins = {horizon: opened.origins("test", horizon) for horizon in horizons}
    for number, (end, _) in enumerate(task.bounds):
        rows = fill_gaps(opened.series[number][None, :, : task.n_targets])[0][0].astype(np.float64)
        model, state = fit(rows[max(0, end - FITTED_ROWS) : end], period=task.period)
        states = model.filtered(rows[end:], state)
        for horizon, every in origins.items():
            steps = every.step[every.series == number]
            size = max(1, BLOCK_NUMBERS // (horizon * task.n_targets))
            for first in range(0, len(steps), size):
                block = Origins(np.full(len(steps[first : first + size]), number), steps[first : first + size])
                ahead = model.forecasts(states, block.step + 1 - end, horizon=horizon)
                sums[horizon] += ErrorSums.of(ahead - opened.targets_at(block, horizon))
    return sums
