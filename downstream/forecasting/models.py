"""Ridge forecasters: settings, and their fits from sums of rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from downstream.forecasting.rows import Features, Normalization, RowBlock
from downstream.forecasting.sums import RowSums
from downstream.probes.ridge import AlphaChoice, Moments, RidgePath, choose

Sharing = Literal["shared", "per_variate", "joint"]
Floats = NDArray[np.floating]


class Setting(NamedTuple):
    """What predicts, how it is normalised, and what the weights are shared over."""

    features: Features
    normalization: Normalization
    sharing: Sharing

    def __str__(self) -> str:
        return "/".join(self)


REFERENCE = Setting("raw_lags", "last", "shared")


@dataclass(frozen=True)
class Forecaster:
    """One fitted setting for one horizon.

    Args:
        setting: What it is.
        horizon: Steps ahead.
        weights: Of the features, for each model; float64 (groups or 1, d, outputs).
        intercept: Of each model; float64 (groups or 1, 1, outputs).
        alphas: The choice of each model.
        validation_error: Mean squared error on validation, scaled units.
    """

    setting: Setting
    horizon: int
    weights: Tensor
    intercept: Tensor
    alphas: tuple[AlphaChoice, ...]
    validation_error: float

    def predict(self, block: RowBlock) -> Floats:
        """Return forecasts in scaled units, (n, horizon, variates)."""
        x = block.features(self.setting.features, self.setting.normalization).double()
        return block.forecasts(x @ self.weights + self.intercept, self.setting.normalization)


@dataclass(frozen=True)
class Combination:
    """The reference forecast, moved towards that of another forecaster.

    Args:
        reference: The forecast that is moved.
        other: Where to; may be the reference itself.
        weight: How far, in [0, 1]: 1 is the other forecast alone.
    """

    reference: Forecaster
    other: Forecaster
    weight: float = 1.0

    def __str__(self) -> str:
        if self.weight == 1.0:
            return str(self.other.setting)
        return f"{self.weight:.2f} {self.other.setting} + {1.0 - self.weight:.2f} {self.reference.setting}"

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return self.other.horizon

    @property
    def parts(self) -> tuple[tuple[Forecaster, float], ...]:
        """The forecasters that count, with their weights."""
        both = ((self.other, self.weight), (self.reference, 1.0 - self.weight))
        return tuple((forecaster, weight) for forecaster, weight in both if weight > 0.0)

    @property
    def alphas(self) -> tuple[AlphaChoice, ...]:
        """The choice of every model that counts."""
        return tuple(alpha for forecaster, _ in self.parts for alpha in forecaster.alphas)

    def predict(self, block: RowBlock) -> Floats:
        """Return forecasts in scaled units, (n, horizon, variates)."""
        first, *rest = [weight * forecaster.predict(block) for forecaster, weight in self.parts]
        return sum(rest, start=first)


def fit_setting(train: Moments, validation: Moments, *, setting: Setting, horizon: int, n_lags: int) -> Forecaster:
    """Fit one setting for all alphas and keep the best on validation.

    Args:
        train: Sums of training rows, one group per variate (or one).
        validation: Sums of validation rows, likewise.
        setting: What to fit.
        horizon: Steps ahead.
        n_lags: How many leading features of raw lags and `both` are lags.
    """
    paths = fit_paths(train, setting=setting, n_lags=n_lags)
    groups = split_groups(validation, sharing=setting.sharing)
    choices = tuple(choose(path.errors(rows)) for path, rows in zip(paths, groups, strict=True))
    counts = [float(rows.count) for rows in groups]
    error = sum(choice.error * count for choice, count in zip(choices, counts, strict=True)) / sum(counts)
    return Forecaster(setting, horizon, *_coefficients(paths, choices), choices, error)


def refit(forecaster: Forecaster, train: Moments, *, n_lags: int) -> Forecaster:
    """Return the forecaster with the same alphas, fitted on other rows."""
    paths = fit_paths(train, setting=forecaster.setting, n_lags=n_lags)
    weights, intercept = _coefficients(paths, forecaster.alphas)
    return replace(forecaster, weights=weights, intercept=intercept)


def _coefficients(paths: Sequence[RidgePath], choices: Sequence[AlphaChoice]) -> tuple[Tensor, Tensor]:
    """Return weights (models, d, outputs) and intercepts (models, 1, outputs)."""
    parts = [path.weights(choice.alpha) for path, choice in zip(paths, choices, strict=True)]
    return torch.stack([weights for weights, _ in parts]), torch.stack([intercept[None] for _, intercept in parts])


def split_groups(moments: Moments, *, sharing: Sharing) -> list[Moments]:
    """Return the rows of each model: one per variate, or all together."""
    if sharing == "per_variate":
        return [moments.group(index) for index in range(len(moments.count))]
    return [moments.pooled()]


def fit_paths(train: Moments, *, setting: Setting, n_lags: int) -> list[RidgePath]:
    """Fit the models of a setting for all alphas; the first `n_lags` features (or none) are lags."""
    # Only representations are brought to unit variance: lags share one unit already.
    scale = train.feature_scale()
    scale[: 0 if setting.features == "representation" else n_lags] = 1.0
    return [RidgePath.from_moments(rows, scale=scale) for rows in split_groups(train, sharing=setting.sharing)]


def fit_horizon(train: RowSums, validation: RowSums, *, index: int, horizon: int, n_lags: int) -> list[Forecaster]:
    """Return the fitted forecaster of every possible setting, for one horizon."""
    fitted = []
    for (features, normalization), moments in train.items():
        fit_on, choose_on = moments[index], validation[features, normalization][index]
        if fit_on is None or choose_on is None:
            continue
        for sharing in _sharings(features, fit_on, choose_on, horizon=horizon):
            setting = Setting(features, normalization, sharing)
            fitted.append(fit_setting(fit_on, choose_on, setting=setting, horizon=horizon, n_lags=n_lags))
    return fitted


def _sharings(features: Features, train: Moments, validation: Moments, *, horizon: int) -> tuple[Sharing, ...]:
    if features == "representation" and train.y.shape[1] > horizon:
        return ("joint",)
    complete = bool((train.count > 0).all()) and bool((validation.count > 0).all())
    same = len(train.count) == len(validation.count)
    return ("shared", "per_variate") if len(train.count) > 1 and complete and same else ("shared",)
