"""Small forecasting tasks and encoders whose right answers are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from downstream.data import load_task
from downstream.forecasting.task import ForecastingTask
from downstream.scaling import Scaler
from downstream.task import Sealed, Task, TaskSpec, task_hash
from downstream.windows import Windows

Floats = NDArray[np.floating]


def make_task(
    values: Floats,
    *,
    n_targets: int,
    horizons: tuple[int, ...] = (1, 4),
    window: int = 12,
    raw_lags: int = 8,
    protocol: str = "test",
) -> ForecastingTask:
    n = len(values)
    train_end, validation_end = int(n * 0.6), int(n * 0.8)
    values = values.astype(np.float32)
    return ForecastingTask(
        spec=TaskSpec("toy", "forecasting", window, horizons, raw_lags, "mse", False, "toy", protocol),
        variates=tuple(str(i) for i in range(values.shape[1])),
        hash=task_hash({"horizons": horizons}, [values]),
        sealed=Sealed((values[validation_end:],)),
        series=(values[:validation_end],),
        bounds=((train_end, validation_end),),
        n_targets=n_targets,
        scaler=Scaler(np.zeros((1, values.shape[1])), np.ones((1, values.shape[1])), n_rows_seen=train_end),
    )


def noise(n: int, variates: int = 2, *, rng_seed: int = 0) -> Floats:
    return np.random.default_rng(rng_seed).normal(size=(n, variates))


def ar1(n: int, *, coefficient: float, rng_seed: int = 0, variates: int = 2) -> Floats:
    shocks = noise(n, variates, rng_seed=rng_seed)
    values = np.zeros_like(shocks)
    for t in range(1, n):
        values[t] = coefficient * values[t - 1] + shocks[t]
    return values


class Identity:
    """The last `steps` values of each variate (or their distance to the last one) as its representation."""

    def __init__(self, steps: int = 6, *, mixed: bool = False, relative: bool = False) -> None:
        self.steps, self.mixed, self.relative = steps, mixed, relative

    def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        x = np.nan_to_num(windows.gather()[:, -self.steps :])
        x = x - x[:, -1:] if self.relative else x
        return x.reshape(len(x), 1, -1) if self.mixed else np.ascontiguousarray(x.transpose(0, 2, 1))


def mean_and_last(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
    """The mean and the last value of each variate."""
    x = np.nan_to_num(windows.gather())
    x = x[:, :-1] if mask_last else x
    return np.stack([x.mean(axis=1), x[:, -1]], axis=2)


def load_small(kind: str) -> Task:
    """A small task of each kind, with a test part."""
    rng = np.random.default_rng(0)
    if kind == "forecasting":
        return load_task(
            rng.normal(size=(600, 2)).cumsum(axis=0), kind=kind, name="walk", layout="ntc", horizons=(2, 4), window=16
        )
    if kind == "anomaly":
        return load_task(rng.normal(size=(900, 2)), kind=kind, name="noise", layout="ntc", window=8)
    if kind == "regression":
        targets = rng.normal(size=60)
        return load_task((rng.normal(size=(60, 2, 20)) + targets[:, None, None], targets), kind=kind, name="levels")
    labels = np.arange(60) % 2
    values = rng.normal(size=(60, 2, 20)) + labels[:, None, None]
    return load_task((values, labels), kind=kind, name="levels")


@pytest.fixture(scope="session")
def tasks() -> SimpleNamespace:
    return SimpleNamespace(make=load_small, mean_and_last=mean_and_last)


@pytest.fixture(scope="session")
def toys() -> SimpleNamespace:
    return SimpleNamespace(make_task=make_task, noise=noise, ar1=ar1, Identity=Identity)
