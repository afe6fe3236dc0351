"""The combined forecaster in use: the steps after the end of each series, with quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.errors import DataError
from downstream.forecasting.combining.combination import Combination
from downstream.forecasting.combining.fit import fit as fit_combination
from downstream.forecasting.combining.intervals import LEVELS, Intervals, stretches
from downstream.forecasting.combining.linear import Linear
from downstream.forecasting.combining.reduced import Directions
from downstream.forecasting.rows import block_at_end
from downstream.forecasting.scoring import score_combinations
from downstream.forecasting.task import ForecastingTask
from downstream.metrics import mse
from downstream.predictor import Predictor, Series, check_length, check_shapes, is_finite
from downstream.represent import Represent
from downstream.scaling import Scaled
from downstream.scores import Scores

PICTURED = 3
MOST_STEPS = 336
"""Of a forecast in a picture."""


def fit(task: ForecastingTask, represent: Represent, *, rng_seed: int) -> FittedProbe:
    """Fit and combine as for the report."""
    del rng_seed  # nothing here is random
    (combination,) = fit_combination(task, represent)
    return FittedProbe.of(combination, window=task.spec.window, n_targets=task.n_targets)


def fit_plain(task: ForecastingTask, name: str, *, rng_seed: int) -> FittedProbe | None:
    """Fit a plain method by its name; None for one that cannot be saved."""
    del rng_seed  # nothing here is random
    if name != "plain_combination":
        return None
    (combination,) = fit_combination(task, None)
    return FittedProbe.of(combination, window=task.spec.window, n_targets=task.n_targets)


def prove(task: ForecastingTask, opened: ForecastingTask, represent: Represent) -> tuple[Scores, FittedProbe]:
    """Score on the test part what is fitted once, and return it."""
    combinations = fit_combination(task, represent, representation_only=True)
    scores = score_combinations(task, opened, represent, combinations)
    return scores, FittedProbe.of(combinations[0], window=task.spec.window, n_targets=task.n_targets)


def examples(
    task: ForecastingTask, opened: ForecastingTask, predictor: FittedProbe, represent: Represent
) -> dict[str, Any]:
    """Return forecasts of the test part beside the truth, in the unit of the series; see `TaskKind`.

    Of at most `PICTURED` targets of the first series with a whole horizon of test rows, from two origins: a third and
    two thirds through the test part.

    Returns:
        `panels`, each with `name`, `step` (row of the origin), `past` (steps,), `truth` and `forecast` (horizon,),
        `low` and `high` (horizon,): the 10 % and the 90 % quantile.
    """
    del task
    horizon = predictor.facts["horizon"]
    series, steps = opened.origins("test", horizon)
    if not len(steps):
        return {"form": "forecasts", "panels": []}
    number = int(series[0])
    steps = steps[series == number]
    targets = np.unique(np.linspace(0, opened.n_targets - 1, min(PICTURED, opened.n_targets)).round().astype(int))
    mean, deviation = opened.scaler.mean[number], opened.scaler.deviation[number]
    values = opened.scaler.inverse(opened.series[number], series=number)
    back, ahead = min(MOST_STEPS // 2, 2 * horizon), min(MOST_STEPS, horizon)
    panels = []
    for step in dict.fromkeys(int(steps[len(steps) * third // 3]) for third in (1, 2)):
        seen = Scaled(opened.series[number][: step + 1], mean, deviation, known=number)
        middle = predictor.predict(represent, [seen])[0]
        low, high = predictor.quantiles(represent, [seen], (0.1, 0.9))[:, 0]
        for target in targets.tolist():
            panels.append(
                {
                    "name": opened.variates[target],
                    "step": step,
                    "past": values[max(0, step + 1 - back) : step + 1, target],
                    "truth": values[step + 1 : step + 1 + ahead, target],
                    "forecast": middle[target, :ahead],
                    "low": low[target, :ahead],
                    "high": high[target, :ahead],
                }
            )
    return {"form": "forecasts", "panels": panels}


class FittedProbe(Predictor):
    """Forecasts in the series' own unit; the score is minus the mean squared error."""

    @classmethod
    def of(cls, combination: Combination, *, window: int, n_targets: int) -> FittedProbe:
        """Return the predictor of a combination; `window` is the encoder's lookback."""
        facts = {
            "horizon": combination.horizons[-1],
            "horizons": list(combination.horizons),
            "window": window,
            "raw_lags": combination.n_lags,
            "n_targets": n_targets,
            "starts": [part.start for part in combination.maps],
            "weights": [dict(weights) for weights in combination.weights],
        }
        tensors = {"errors": combination.intervals.table}
        for number, part in enumerate(combination.maps):
            tensors |= {f"weights.{number}": part.weights, f"intercept.{number}": part.intercept}
        if combination.directions is not None:
            tensors |= {"mean": combination.directions.mean, "basis": combination.directions.basis}
        return cls(facts, tensors)

    @property
    def combination(self) -> Combination:
        """What forecasts."""
        facts, tensors = self.facts, self.tensors
        maps = [
            Linear(start, tensors[f"weights.{number}"], tensors[f"intercept.{number}"])
            for number, start in enumerate(facts["starts"])
        ]
        return Combination(
            tuple(facts["horizons"]),
            facts["raw_lags"],
            tuple(maps),
            tuple(facts["weights"]),
            Intervals(tensors["errors"], facts["horizon"]),
            Directions(tensors["mean"], tensors["basis"]) if "basis" in tensors else None,
        )

    def predict(self, represent: Represent, series: Series) -> NDArray[np.float64]:
        """Return the steps after the end of each series, (series, targets, horizon)."""
        forecasts: NDArray[np.float64] = self.quantiles(represent, series, ())[0]
        return forecasts

    def quantiles(self, represent: Represent, series: Series, levels: Sequence[float]) -> NDArray[np.float64]:
        """Return quantiles of the steps after the end of each series, in its own unit.

        Args:
            represent: The encoder.
            series: Scaled series with the columns of training, targets first.
            levels: In (0, 1).

        Returns:
            (levels, series, targets, horizon); without levels the forecasts alone, as if they were one.
        """
        combination, n_targets = self.combination, self.facts["n_targets"]
        represent = combination.seen_by(represent)
        found = []
        for each in series:
            block = block_at_end(
                each.values,
                represent=represent,
                window=self.facts["window"],
                raw_lags=combination.n_lags,
                horizon=combination.horizons[-1],
                n_targets=n_targets,
            )
            # (levels, horizon, targets)
            scaled = combination.quantiles(block, levels)[:, 0] if levels else combination.predict(block)
            found.append(np.stack([each.inverse(one).T for one in scaled]))
        return np.stack(found, axis=1)

    def score(self, represent: Represent, series: Series, truth: Any) -> float:
        """Return minus the mean squared error over the steps of the truth, (series, targets, at most horizon)."""
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

    def _check(self) -> None:
        facts, tensors = self.facts, self.tensors
        for name in ("horizon", "window", "raw_lags", "n_targets"):
            check_length(facts, name)
        horizon, n_targets = facts["horizon"], facts["n_targets"]
        horizons, starts = facts["horizons"], facts["starts"]
        if not isinstance(horizons, list) or not all(isinstance(each, int) for each in horizons):
            raise ValueError("horizons must be a list of whole numbers")
        if sorted(set(horizons)) != horizons or horizons[-1:] != [horizon] or horizons[0] < 1:
            raise ValueError("horizons must ascend to the longest")
        if not isinstance(starts, list) or not 1 <= len(starts) <= 2:
            raise ValueError("starts must be a list of one or two columns")
        if len(facts["weights"]) != len(horizons) or not all(
            isinstance(name, str) and is_finite(weight) for each in facts["weights"] for name, weight in each.items()
        ):
            raise ValueError("weights must be the weights of members by name, for each horizon")
        check_shapes(tensors, {"errors": (len(LEVELS), n_targets, len(stretches(horizon)))})
        if "basis" in tensors:
            check_shapes(tensors, {"mean": tensors["basis"].shape[:1]})
        for number, start in enumerate(starts):
            n_maps, _, n_steps = tensors[f"weights.{number}"].shape
            if not isinstance(start, int) or start < 0 or n_maps not in (1, n_targets) or n_steps != horizon:
                raise ValueError(f"weights.{number} must be (1 or targets, columns, horizon)")
            check_shapes(tensors, {f"intercept.{number}": (n_maps, horizon)})
            if not bool(torch.isfinite(tensors[f"weights.{number}"]).all()):
                raise ValueError(f"weights.{number} must be finite")
