"""The values after the end of every series of a dataset, to a file: `tscnas forecast`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from compute.memory import memory_budget
from downstream.data.raw import SeriesSet
from downstream.errors import DataError
from nas.cli.predicting.asking import Fitted, asked, fitted
from nas.cli.predicting.continuation import Continuation, all_continued, common_step
from nas.cli.predicting.table import joined, write_table
from nas.cli.text import Shown, counted
from nas.errors import OptionError
from nas.options.using.predicting import ForecastOptions


def forecast(options: ForecastOptions) -> Shown:
    """Forecast every series of a dataset and write the values with their time stamps, in the form that the data has.

    Args:
        options: Run folder, data, output.

    Raises:
        DataError: If the data is at fault or has other columns than that of training.
        SavedEncoderError: If a file of the run is at fault or missing.
        OptionError: If the run is no forecaster, or the horizon is longer than its longest.
        OutputExistsError: If the output exists and may not be replaced.
        MemoryBudgetError: If the memory budget is too small for a single window.
    """
    return forecast_with(fitted(options, kind="forecasting"), options)


def forecast_with(found: Fitted, options: ForecastOptions) -> Shown:
    """Answer as `forecast` does with what was read of a run of its kind."""
    longest = int(found.predictor.facts["horizon"])
    n = options.horizon or longest
    if n > longest:
        raise OptionError(f"horizon: the run forecasts {counted(longest, 'time step')} at most, got {n}")
    with memory_budget(options.memory_budget):
        data, series, represent = asked(options, found)
        continuations = all_continued(data, n, date_format=found.reading.get("date_format"))
        with found.fitting():
            points = found.predictor.predict(represent, series)[..., :n]  # (series, targets, steps)
            levels = options.quantiles
            quantiles = (
                found.predictor.quantiles(represent, series, levels)[..., :n]
                if levels
                else np.empty((0, *points.shape))
            )  # (levels, series, targets, steps)
    table = _table(data, continuations, points, quantiles, levels=levels)
    write_table(Path(options.output), table)
    return Shown(f"{options.output}: {_told(data, continuations, n_targets=points.shape[1])}")


def _table(
    data: SeriesSet,
    continuations: Sequence[Continuation],
    points: NDArray[np.float64],
    quantiles: NDArray[np.float64],
    *,
    levels: Sequence[float],
) -> pd.DataFrame:
    """Return rows of time stamps and values: of each variate the forecast, then its quantiles."""
    targets = data.variates[: points.shape[1]]
    names = [column for name in targets for column in (name, *(f"{name}_{level}" for level in levels))]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise DataError(f"{data.source}: two columns of the forecast would be called {doubled!r}; rename that variate")
    values = np.concatenate([points[None], quantiles])  # (1 + levels, series, targets, steps)
    rows = values.transpose(1, 3, 2, 0).reshape(len(points), points.shape[-1], -1)  # (series, steps, columns)
    parts = [
        (after.stamps, pd.DataFrame(block, columns=names)) for after, block in zip(continuations, rows, strict=True)
    ]
    return joined(data, parts)


def _told(data: SeriesSet, continuations: Sequence[Continuation], *, n_targets: int) -> str:
    stamps = continuations[0].stamps
    first, last = stamps.iloc[0], stamps.iloc[-1]
    step = common_step([after.step for after in continuations])
    what = f"{counted(len(stamps), 'time step')} of {counted(n_targets, 'variate')}"
    if len(data.series) > 1:
        return f"{what} for each of {len(data.series)} series; their {data.time or 'step'} goes on {step}"
    return f"{what}; {data.time or 'step'} goes on {step}, from {first} to {last}"
