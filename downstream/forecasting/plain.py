"""One ridge with one setting: the label of a trial, and the reference of every report."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from downstream.forecasting.rows import Features, RowBlock, pick_origins, row_blocks, usable_horizons
from downstream.forecasting.task import ForecastingTask, Part
from downstream.probes.ridge import AlphaChoice, Moments, RidgePath, choose
from downstream.represent import Represent

Floats = NDArray[np.floating]
MAX_ROWS: dict[Part, int] = {"train": 80_000, "validation": 40_000}


@dataclass(frozen=True)
class PlainRidge:
    """A ridge from features to changes from the last value, whose weights variates share; one for one horizon.

    Where all variates have one representation, it has targets for each variate at each step instead.

    Args:
        features: What it sees.
        horizon: Steps ahead.
        weights: float64 (d, outputs).
        intercept: float64 (outputs,).
        alpha: Chosen on validation.
    """

    features: Features
    horizon: int
    weights: Tensor
    intercept: Tensor
    alpha: AlphaChoice

    def predict(self, block: RowBlock) -> Floats:
        """Return forecasts in scaled units, (n, horizon, variates)."""
        return block.forecasts(block.features(self.features).double() @ self.weights + self.intercept)


def sum_rows(blocks: Iterable[RowBlock], *, features: Features, horizons: Sequence[int]) -> list[Moments | None]:
    """Sum rows in one pass, for each horizon those with all targets up to it; None where there is none.

    A row that serves a horizon serves all shorter ones, so the sums of a horizon are those of its own rows plus the
    first targets of those that reach further.

    Args:
        blocks: From `row_blocks`.
        features: What predicts.
        horizons: Forecast lengths, ascending.
    """
    classes: list[Moments | None] = [None] * len(horizons)
    per_step = 1
    for block in blocks:
        x, y = block.features(features), block.changes(features)
        per_step = y.shape[2] // block.targets.shape[1]  # targets: all variates in a joint model, else 1
        reach = block.reach.min(axis=1, keepdims=True) if len(x) == 1 else block.reach
        for index, horizon in enumerate(horizons):
            weight = torch.as_tensor((reach == index).T)  # (models, n)
            rows = weight.any(0)
            if not bool(rows.any()):
                continue
            new = Moments.pooled_rows(x[:, rows], y[:, rows, : horizon * per_step], weight[:, rows])
            old = classes[index]
            classes[index] = new if old is None else old + new
    sums: list[Moments | None] = []
    for index, horizon in enumerate(horizons):
        reaching = [part for part in classes[index:] if part is not None]
        parts = [part.first_targets(horizon * per_step) for part in reaching]
        sums.append(functools.reduce(operator.add, parts) if parts else None)
    return sums


def path_of(moments: Moments, features: Features) -> RidgePath:
    """Fit all penalties; only representations are brought to unit variance, as lags share one unit already."""
    return RidgePath.from_moments(moments, scale=moments.feature_scale() if features == "representation" else None)


def fit_plain(
    task: ForecastingTask, represent: Represent | None, *, features: Features = "raw_lags"
) -> dict[int, PlainRidge]:
    """Fit a ridge per horizon on training rows, its alpha chosen on validation rows.

    Without an encoder this is the ridge on raw lags of every report.
    """
    horizons = usable_horizons(task)
    train, validation = (
        sum_rows(
            row_blocks(
                task,
                part,
                pick_origins(task, part, horizon=horizons[0], max_rows=most),
                horizons=horizons,
                represent=represent,
            ),
            features=features,
            horizons=horizons,
        )
        for part, most in MAX_ROWS.items()
    )
    fitted = {}
    for horizon, fit_on, choose_on in zip(horizons, train, validation, strict=True):
        if fit_on is None or choose_on is None:
            continue
        path = path_of(fit_on, features)
        choice = choose(path.errors(choose_on))
        fitted[horizon] = PlainRidge(features, horizon, *path.weights(choice.alpha), choice)
    return fitted
