"""Errors of exponential smoothing on the test part, with or without a trend as validation says."""

from collections.abc import Sequence

import numpy as np

from downstream.forecasting.errors import TestErrors
from downstream.forecasting.rows import fill_gaps
from downstream.forecasting.smoothing.fitting import FITTED_ROWS, fit
from downstream.forecasting.smoothing.states import Smoothing, State
from downstream.forecasting.task import ForecastingTask, Origins, Part

BLOCK_NUMBERS = 1 << 21
TRENDS = {"no trend": False, "damped trend": True}


def choose_and_score(task: ForecastingTask, opened: ForecastingTask, horizons: Sequence[int]) -> tuple[str, TestErrors]:
    """Return which trend is better on validation, and its errors at every test origin.

    What fits one step best, a trend that follows every turn, can be far off at many: so likelihood does not choose.
    Parameters come from the last `FITTED_ROWS` training rows of each series. They stay; states follow all later rows.
    Gaps count as the value before them.
    """
    fits = {name: _followed(task, opened, damped=damped) for name, damped in TRENDS.items()}
    chosen = min(fits, key=lambda name: _errors(opened, "validation", fits[name], horizons).metrics()["mse"])
    return chosen, _errors(opened, "test", fits[chosen], horizons)


def _followed(task: ForecastingTask, opened: ForecastingTask, *, damped: bool) -> list[tuple[Smoothing, State]]:
    """Return the model of each series, and its states from the end of the training rows on."""
    followed = []
    for values, (end, _) in zip(opened.series, task.bounds, strict=True):
        rows = fill_gaps(values[None, :, : task.n_targets])[0][0].astype(np.float64)
        model, state = fit(rows[max(0, end - FITTED_ROWS) : end], period=task.period, damped=damped)
        followed.append((model, model.filtered(rows[end:], state)))
    return followed


def _errors(
    opened: ForecastingTask, part: Part, fits: Sequence[tuple[Smoothing, State]], horizons: Sequence[int]
) -> TestErrors:
    tested = TestErrors(opened, horizons)
    for horizon in horizons:
        every = opened.origins(part, horizon)
        size = max(1, BLOCK_NUMBERS // (horizon * opened.n_targets))
        for number, (model, states) in enumerate(fits):
            steps = every.step[every.series == number]
            for first in range(0, len(steps), size):
                block = steps[first : first + size]
                ahead = model.forecasts(states, block + 1 - opened.bounds[number][0], horizon=horizon)
                origins = Origins(np.full(len(block), number), block)
                tested.add(horizon, origins, ahead - opened.targets_at(origins, horizon))
    return tested
