"""The forecaster: sums against naive rows, known processes, no look ahead, no test data in any choice."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from downstream.forecasting import scoring as forecasting
from downstream.forecasting.baselines import BASELINES
from downstream.forecasting.combining.fit import fit
from downstream.forecasting.plain import fit_plain
from downstream.forecasting.predictor import fit as fit_predictor
from downstream.forecasting.rows import row_blocks
from downstream.forecasting.task import Origins
from downstream.scaling import Scaled
from downstream.windows import Windows

Floats = NDArray[np.floating]


def test_forecasts_reach_the_noise_of_a_known_process(toys: SimpleNamespace) -> None:
    task = toys.make_task(toys.ar1(4000, coefficient=0.9), n_targets=2, horizons=(1, 3))
    opened = task.open_test()
    scores = forecasting.score_test(task, opened, toys.Identity())
    # h-step errors of AR(1): sum of coefficient^(2i), averaged over the steps.
    steps = np.cumsum(0.81 ** np.arange(3))
    assert scores.metrics["mse/1"] == pytest.approx(1.0, rel=0.1)
    assert scores.metrics["mse/3"] == pytest.approx(steps.mean(), rel=0.1)
    assert scores.value == pytest.approx((scores.metrics["mse/1"] + scores.metrics["mse/3"]) / 2)
    assert scores.protocol["n_windows/3"] == 800 - 3 + 1
    assert scores.protocol["scaler_rows"] == 2400


def test_seasonal_naive_is_exact_on_a_season_and_the_ridge_too(toys: SimpleNamespace) -> None:
    time = np.arange(900)
    values = np.stack([np.sin(2 * np.pi * time / 24), np.cos(2 * np.pi * time / 24)], axis=1)
    task = toys.make_task(values, n_targets=2, horizons=(30,))
    found = BASELINES(task, task.open_test())
    assert found["seasonal_naive"].settings["period"] == "24"
    assert found["seasonal_naive"].value < 1e-8
    assert found["raw_lag_ridge"].value < 1e-4
    assert found["repeat_last"].value > 0.5


def test_poisoned_test_rows_change_no_choice_and_no_validation_score(toys: SimpleNamespace) -> None:
    values = toys.ar1(600, coefficient=0.8)
    poisoned = values.copy()
    poisoned[480:] = 1e6
    results = []
    for one in (values, poisoned):
        task = toys.make_task(one, n_targets=2)
        task.open_test()
        (combination,) = fit(task, toys.Identity())
        score = forecasting.validate(task, toys.Identity())
        results.append((score, combination.weights, combination.intervals.table.tolist()))
    assert results[0] == results[1]


@pytest.mark.parametrize("mixed", [False, True])
def test_validate_is_nested_and_uses_one_rule(toys: SimpleNamespace, mixed: bool) -> None:
    task = toys.make_task(toys.ar1(1500, coefficient=0.9), n_targets=2, horizons=(1, 3))
    score = forecasting.validate(task, toys.Identity(8, mixed=mixed))
    assert score.metric == "mse"
    assert not score.higher_is_better
    assert score.value == pytest.approx((score.details["mse/1"] + score.details["mse/3"]) / 2)
    assert score.details["mse/1"] == pytest.approx(1.0, rel=0.15)


def test_validate_does_not_reward_features_without_information(toys: SimpleNamespace) -> None:
    task = toys.make_task(toys.noise(300), n_targets=2, horizons=(2,))

    class ManyFeatures:
        def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
            return np.random.default_rng(0).normal(size=(windows.n, 2, 200)).astype(np.float32)

    score = forecasting.validate(task, ManyFeatures())
    # Targets minus the last value have variance 2; nothing can explain any of it from noise.
    assert 0.9 * 2 < score.value < 1.3 * 2


def test_the_report_of_a_combination_is_that_of_a_loop_and_of_its_predictor(toys: SimpleNamespace) -> None:
    values = toys.ar1(500, coefficient=0.8)
    task = toys.make_task(values, n_targets=2)
    opened, represent = task.open_test(), toys.Identity()
    scores = forecasting.score_test(task, opened, represent)
    predictor = fit_predictor(task, represent, rng_seed=0)
    squared: dict[int, list[float]] = {1: [], 4: []}
    inside: dict[int, list[float]] = {1: [], 4: []}
    for step in range(399, 499):
        series = [Scaled.by(values[: step + 1], mean=np.zeros(2), deviation=np.ones(2))]
        forecast = predictor.predict(represent, series)[0].T
        low, high = predictor.quantiles(represent, series, (0.1, 0.9))[:, 0].transpose(0, 2, 1)
        for horizon in (1, 4):
            if step + horizon < 500:
                truth = values[step + 1 : step + 1 + horizon]
                squared[horizon].extend(np.square(forecast[:horizon] - truth).ravel())
                inside[horizon].extend(((low[:horizon] <= truth) & (truth <= high[:horizon])).ravel())
    for horizon in (1, 4):
        assert scores.metrics[f"mse/{horizon}"] == pytest.approx(np.mean(squared[horizon]), rel=1e-4)
        assert scores.metrics[f"coverage_80/{horizon}"] == pytest.approx(np.mean(inside[horizon]), abs=0.01)
        assert f"forecaster/{horizon}" in scores.settings
    assert scores.metrics["coverage_80"] == pytest.approx(0.8, abs=0.1)
    assert scores.metrics["representation.mse"] == pytest.approx(scores.metrics["mse"], rel=0.1)


def test_the_first_steps_of_a_long_forecast_are_those_of_a_short_one(toys: SimpleNamespace) -> None:
    values = toys.ar1(800, coefficient=0.9)
    both = [toys.make_task(values, n_targets=2, horizons=horizons) for horizons in ((2, 6), (2,))]
    series = [Scaled.by(values[:600], mean=np.zeros(2), deviation=np.ones(2))]
    long, short = (fit_predictor(task, toys.Identity(), rng_seed=0).predict(toys.Identity(), series) for task in both)
    np.testing.assert_allclose(long[..., :2], short, rtol=1e-4)


def test_test_errors_equal_the_loop_over_every_origin_and_observed_target(toys: SimpleNamespace) -> None:
    values = toys.ar1(500, coefficient=0.8)
    values[[450, 460], [0, 1]] = np.nan
    task = toys.make_task(values, n_targets=2)
    opened = task.open_test()
    scores = forecasting.score_raw_lag_ridge(task, opened)
    for horizon, forecaster in fit_plain(task, None).items():
        errors = []
        for step in range(399, 500 - horizon):
            at = Origins(np.array([0]), np.array([step]))
            (block,) = row_blocks(opened, "test", at, horizons=(horizon,), represent=None)
            error = forecaster.predict(block)[0] - values[step + 1 : step + 1 + horizon]
            errors.extend(error[np.isfinite(error)])
        assert scores.metrics[f"mse/{horizon}"] == pytest.approx(np.square(errors).mean(), rel=1e-5)
        assert scores.metrics[f"mae/{horizon}"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
        assert scores.protocol[f"n_windows/{horizon}"] == 101 - horizon
