"""What a representation alone is worth in forecasts, without a choice: one ridge per horizon, beside that on raw lags.

    python benchmarks/forecast_probe.py FILE --of rocket_patches ts2vec [--window 336] [--rng-seeds 3]

Both ridges predict changes from the last value with weights that all variates share, as the label of a trial does; only
alpha is chosen, on validation rows. Presets are untrained; `/STEPS` behind a name trains them so long.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from forecasters import encoder_of

from downstream.data import load_task
from downstream.forecasting.errors import ErrorSums, errors_at, horizon_metrics
from downstream.forecasting.plain import fit_plain
from downstream.forecasting.rows import row_blocks
from downstream.forecasting.task import ForecastingTask
from downstream.represent import Represent


def main() -> None:
    """Print a row per preset and rng_seed, and the raw lags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--of", nargs="+", required=True, metavar="PRESET[/STEPS]")
    parser.add_argument("--window", type=int, default=336)
    parser.add_argument("--rng-seeds", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"raw lags: {errors(load(asked.file, asked.window), None)}", flush=True)
    for what in asked.of:
        for rng_seed in range(asked.rng_seeds):
            task = load(asked.file, asked.window)
            print(f"{what}, rng_seed {rng_seed}: {errors(task, encoder_of(what, task, rng_seed))}", flush=True)


def load(file: Path, window: int) -> ForecastingTask:
    """Return the task of a file."""
    task = load_task(file, kind="forecasting", window=window)
    assert isinstance(task, ForecastingTask)
    return task


def errors(task: ForecastingTask, represent: Represent | None) -> str:
    """Return the mean squared error on test by horizon, in words."""
    opened = task.open_test()
    forecasters = fit_plain(
        task.without_test(), represent, features="raw_lags" if represent is None else "representation"
    )
    sums = dict.fromkeys(forecasters, ErrorSums())
    origins = opened.origins("test", min(forecasters))
    for block in row_blocks(opened, "test", origins, horizons=sorted(forecasters), represent=represent):
        for horizon, forecaster in forecasters.items():
            missed = forecaster.predict(block) - block.targets[:, :horizon]
            sums[horizon] += errors_at(horizon, missed, block.room)
    found = horizon_metrics(sums, prefix="")
    each = [found[f"mse/{horizon}"] for horizon in forecasters]
    listed = ", ".join(f"{horizon}: {value:.4f}" for horizon, value in zip(forecasters, each, strict=True))
    return f"mean MSE {np.mean(each):.4f} ({listed})"


if __name__ == "__main__":
    main()
