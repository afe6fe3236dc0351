"""The chosen forecaster of the longest horizon, in use: the steps after the end of each series."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from downstream.errors import DataError
from downstream.forecasting.choosing.choice import fit as fit_forecasters
from downstream.forecasting.models import Forecaster, Setting
from downstream.forecasting.rows import block_at_end, row_blocks, usable_horizons
from downstream.forecasting.task import ForecastingTask, Origins
from downstream.metrics import mse
from downstream.predictor import Predictor, Series, check_length, is_finite
from downstream.represent import Represent


def fit(task: ForecastingTask, represent: Represent, *, rng_seed: int) -> FittedProbe:
    """Choose and fit as for the report."""
    horizon = usable_horizons(task)[-1]
    parts = fit_forecasters(task, represent, rng_seed=rng_seed)[horizon].chosen.parts
    first = Origins(*(column[:1] for column in task.origins("train", horizon)))
    block = next(iter(row_blocks(task, "train", first, horizons=(horizon,), represent=represent)))
    facts = {
        "parts": [[list(forecaster.setting), weight] for forecaster, weight in parts],
        "horizon": horizon,
        "window": task.spec.window,
        "raw_lags": task.spec.raw_lags,
        "joint": block.joint,
    }
    tensors = {
        **{f"weights.{number}": forecaster.weights for number, (forecaster, _) in enumerate(parts)},
        **{f"intercept.{number}": forecaster.intercept for number, (forecaster, _) in enumerate(parts)},
    }
    return FittedProbe(facts, tensors)


class FittedProbe(Predictor):
    """Forecasts in the series' own unit; the score is minus the mean squared error."""

    def predict(self, represent: Represent, series: Series) -> NDArray[np.float64]:
        """Return the steps after the end of each series, (series, variates, horizon)."""
        return np.stack([each.inverse(self._forecast(represent, each.values)).T for each in series])

    def score(self, represent: Represent, series: Series, truth: Any) -> float:
        """Return minus the mean squared error over the steps of the truth, (series, variates, at most horizon)."""
        forecasts, known = self.predict(represent, series), np.asarray(truth)
        *wanted, longest = forecasts.shape
        if known.ndim != 3 or list(known.shape[:2]) != wanted or not 1 <= known.shape[2] <= longest:
            raise DataError(
                f"the truth must be (series, variates, steps) = ({wanted[0]}, {wanted[1]}, 1 to {longest}), "
                f"got shape {known.shape}"
            )
        if known.dtype.kind not in "fiub" or not np.isfinite(known.astype(np.float64)).any():
            raise DataError("the truth holds no value")
        return -mse(known.astype(np.float64), forecasts[..., : known.shape[2]])

    def _forecast(self, represent: Represent, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the steps after the end of a scaled series, scaled, (horizon, variates)."""
        facts = self.facts
        block = block_at_end(
            values,
            represent=represent if any(setting[0] != "raw_lags" for setting, _ in facts["parts"]) else None,
            window=facts["window"],
            raw_lags=facts["raw_lags"],
            horizon=facts["horizon"],
            joint=facts["joint"],
        )
        scaled = np.zeros((facts["horizon"], values.shape[1]))  # (horizon, variates)
        for number, (setting, weight) in enumerate(facts["parts"]):
            weights, intercept = self.tensors[f"weights.{number}"], self.tensors[f"intercept.{number}"]
            part = Forecaster(Setting(*setting), facts["horizon"], weights, intercept, (), 0.0)
            scaled += weight * part.predict(block)[0]
        return scaled

    def _check(self) -> None:
        facts, tensors = self.facts, self.tensors
        for name in ("horizon", "window", "raw_lags"):
            check_length(facts, name)
        if not isinstance(facts["joint"], bool) or not isinstance(facts["parts"], list) or not facts["parts"]:
            raise ValueError("joint must be true or false, and parts a list")
        for number, (setting, weight) in enumerate(facts["parts"]):
            if not all(isinstance(word, str) for word in Setting(*setting)) or not is_finite(weight):
                raise ValueError(f"parts[{number}] must be a setting in words and its weight")
            if not tensors[f"weights.{number}"].ndim or not tensors[f"intercept.{number}"].ndim:
                raise ValueError(f"weights.{number} and intercept.{number} must have axes")
