"""The forecaster: sums against naive rows, known processes, no look ahead, no test data in any choice."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from downstream.forecasting import scoring as forecasting
from downstream.forecasting.baselines import BASELINES
from downstream.forecasting.choosing import choice as forecast_choice
from downstream.forecasting.choosing.evidence import Evidence, Gain
from downstream.forecasting.models import REFERENCE, fit_horizon
from downstream.forecasting.rows import NORMALIZATIONS, pick_origins, row_blocks, usable_horizons
from downstream.forecasting.sums import sum_rows
from downstream.forecasting.task import ForecastingTask, Origins
from downstream.windows import Windows

Floats = NDArray[np.floating]


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_every_setting_equals_sklearn_on_naive_rows(toys: SimpleNamespace, mixed: bool, missing: bool) -> None:
    values = toys.ar1(300, coefficient=0.8) + 3
    if missing:
        values[[40, 90, 91, 200], [0, 1, 0, 1]] = np.nan
    task = toys.make_task(values, n_targets=2)
    horizons = usable_horizons(task)
    represent = toys.Identity(mixed=mixed)
    sums = {}
    for part in ("train", "validation"):
        blocks = row_blocks(
            task, part, pick_origins(task, part, horizon=1, max_rows=10**6), horizons=horizons, represent=represent
        )
        sums[part] = sum_rows(
            blocks,
            horizons=horizons,
            normalizations=NORMALIZATIONS,
            for_validation=part == "validation",
            per_variate=True,
        )
    settings = set()
    for index, horizon in enumerate(horizons):
        for fitted in fit_horizon(sums["train"], sums["validation"], index=index, horizon=horizon, n_lags=8):
            settings.add(str(fitted.setting))
            blocks = {
                part: list(
                    row_blocks(task, part, task.origins(part, horizon), horizons=(horizon,), represent=represent)
                )
                for part in ("train", "validation")
            }
            _check_setting(fitted, blocks, task=task, horizon=horizon)
    assert "both/instance/per_variate" in settings
    assert ("representation/last/joint" in settings) == (mixed and not missing)


def _check_setting(fitted, blocks, *, task: ForecastingTask, horizon: int) -> None:  # type: ignore[no-untyped-def]
    """Compare one setting with scikit-learn on rows built by loops."""
    features, normalization, sharing = fitted.setting

    def rows(part: str) -> list[tuple[Floats, Floats, float]]:
        found: list[tuple[Floats, Floats, float]] = []
        for block in blocks[part]:
            for i in range(len(block.origins.step)):
                if part == "train" and block.origins.step[i] < 7:
                    continue
                for v in range(2):
                    y = task.series[0][block.origins.step[i] + 1 :][:horizon, v].astype(float)
                    lags = block.lags[i, :, v].astype(float)
                    offset = 0.0 if normalization == "none" else lags[-1]
                    scale = max(lags.std(), 0.1) if normalization == "instance" else 1.0
                    z = block.z[i, v if block.z.shape[1] > 1 else 0]
                    parts = {"raw_lags": [(lags - offset) / scale], "representation": [z]}
                    parts["both"] = [*parts["raw_lags"], z]
                    found.append((np.concatenate(parts[features]), (y - offset) / scale, scale**2))
        return found

    train, validation = rows("train"), rows("validation")
    whole = np.array([np.isfinite(y).all() for _, y, _ in train])
    x, y = np.stack([r[0] for r in train]), np.stack([r[1] for r in train])
    new, truth = np.stack([r[0] for r in validation]), np.stack([r[1] for r in validation])
    weight = np.array([r[2] for r in validation])
    lags = 0 if features == "representation" else 8
    groups = [(np.arange(len(x)) % 2 == v, np.arange(len(new)) % 2 == v) for v in range(2)]
    if sharing == "shared":
        groups = [(np.ones(len(x), dtype=bool), np.ones(len(new), dtype=bool))]
    scale = x[whole].std(axis=0)
    scale[:lags] = 1.0
    errors, counts = 0.0, 0
    if sharing == "joint":
        x, new = x[::2], new[::2]
        y, truth = (np.stack([a[::2], a[1::2]], axis=2).reshape(len(a) // 2, -1) for a in (y, truth))
        groups, whole, weight = [(np.ones(len(x), dtype=bool), np.ones(len(new), dtype=bool))], whole[::2], weight[::2]
    for (fit_on, judge_on), choice in zip(groups, fitted.alphas, strict=True):
        model = Ridge(alpha=choice.alpha).fit((x / scale)[fit_on & whole], y[fit_on & whole])
        judged = judge_on & np.isfinite(truth).all(axis=1)
        predicted = model.predict((new / scale)[judged]).reshape(int(judged.sum()), -1)
        errors += float((np.square(predicted - truth[judged]) * weight[judged][:, None]).sum())
        counts += truth[judged].size
    assert fitted.validation_error == pytest.approx(errors / counts, rel=1e-5)


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


def test_a_representation_that_knows_more_replaces_raw_lags_and_noise_does_not(toys: SimpleNamespace) -> None:
    lead = toys.noise(3000, 1)
    values = np.concatenate([np.roll(lead, 3, axis=0) + 0.1 * toys.noise(3000, 1, rng_seed=1), lead], axis=1)
    task = toys.make_task(values, n_targets=1, horizons=(3,))
    choice = forecast_choice.fit(task, toys.Identity(mixed=True))[3]
    assert choice.chosen.other.setting.features in ("representation", "both")
    assert choice.chosen.other.validation_error < 0.05 < choice.reference.validation_error
    assert choice.chosen.weight > 0.9

    class Noise:
        def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
            return np.random.default_rng(windows.n).normal(size=(windows.n, 1, 8)).astype(np.float32)

    assert forecast_choice.fit(task, Noise())[3].chosen.other.setting.features == "raw_lags"


def test_one_lucky_period_does_not_replace_the_reference(toys: SimpleNamespace) -> None:
    # Levels wander while training, then validation returns to zero: the mean wins there by luck only.
    values = np.cumsum(0.3 * toys.noise(2000, 1), axis=0)
    values[1200:1600] = 0.02 * np.cumsum(toys.noise(400, 1, rng_seed=2), axis=0)
    choice = forecast_choice.fit(toys.make_task(values, n_targets=1, horizons=(8,)), None)[8]
    assert choice.chosen.other.setting == REFERENCE
    assert str(choice.chosen) == str(REFERENCE)


def gain(mean: float, *, error: float, n_blocks: float = 30.0, n_tests: int = 1, distance: float = 1.0) -> Gain:
    return Gain(mean, distance, error, n_blocks, n_tests)


def test_evidence_is_clear_where_both_periods_are() -> None:
    few = gain(1.0, error=0.3, n_blocks=2.0)
    assert gain(1.0, error=0.3).is_clear
    assert gain(1.0, error=0.42).is_clear
    assert not gain(1.0, error=0.42, n_tests=5).is_clear
    assert not few.is_clear
    assert Evidence(gain(1.0, error=0.3), None).is_clear
    assert not Evidence(gain(1.0, error=0.3), few).is_clear


def test_the_weight_of_a_combination_is_least_squares_and_the_smaller_of_both_periods() -> None:
    rng = np.random.default_rng(0)
    truth, reference, other = rng.normal(size=(3, 5000))
    other = 0.6 * truth + 0.4 * other
    gained = ((reference - truth) ** 2).mean() - ((other - truth) ** 2).mean()
    found = gain(gained, error=0.0, distance=((reference - other) ** 2).mean())
    errors = [((reference + w * (other - reference) - truth) ** 2).mean() for w in np.linspace(0, 1, 101)]
    assert found.weight == pytest.approx(np.argmin(errors) / 100, abs=0.006)
    assert Evidence(found, gain(0.2, error=0.0, distance=2.0)).weight == pytest.approx(0.55)
    assert gain(9.0, error=0.1).weight == 1.0
    just_clear = gain(1.0, error=0.48)
    assert just_clear.is_clear and just_clear.weight == pytest.approx(0.5, abs=0.02)


def test_changing_the_future_changes_no_forecast(toys: SimpleNamespace) -> None:
    values = toys.ar1(500, coefficient=0.7)
    task = toys.make_task(values, n_targets=2)
    opened = task.open_test()
    origin = 430
    poisoned = opened.series[0].copy()
    poisoned[origin + 1 :] += 100.0
    changed = replace(opened, series=(poisoned,))
    for choice in forecast_choice.fit(task, toys.Identity()).values():
        for forecaster in (choice.chosen, *choice.best.values()):
            both = []
            for one in (opened, changed):
                at = Origins(np.array([0]), np.array([origin]))
                block = next(iter(row_blocks(one, "test", at, horizons=(4,), represent=toys.Identity())))
                both.append(forecaster.predict(block))
            np.testing.assert_array_equal(both[0], both[1])


def test_poisoned_test_rows_change_no_choice_and_no_validation_score(toys: SimpleNamespace) -> None:
    values = toys.ar1(600, coefficient=0.8)
    poisoned = values.copy()
    poisoned[480:] = 1e6
    results = []
    for one in (values, poisoned):
        task = toys.make_task(one, n_targets=2)
        task.open_test()
        choices = forecast_choice.fit(task, toys.Identity())
        score = forecasting.validate(task, toys.Identity())
        results.append((score, [(str(c.chosen), c.chosen.alphas) for c in choices.values()]))
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


def test_the_reference_alone_equals_the_reference_of_the_choice(toys: SimpleNamespace) -> None:
    task = toys.make_task(toys.ar1(500, coefficient=0.8), n_targets=2)
    choices = forecast_choice.fit(task, None)
    for horizon, fitted in forecast_choice.fit_reference(task).items():
        np.testing.assert_allclose(fitted.weights, choices[horizon].reference.weights, rtol=1e-9)
        assert fitted.alphas[0].alpha == choices[horizon].reference.alphas[0].alpha


def test_test_errors_equal_the_loop_over_every_origin_and_observed_target(toys: SimpleNamespace) -> None:
    values = toys.ar1(500, coefficient=0.8)
    values[[450, 460], [0, 1]] = np.nan
    task = toys.make_task(values, n_targets=2)
    opened = task.open_test()
    scores = forecasting.score_test(task, opened, None)
    for horizon, forecaster in forecast_choice.fit_reference(task).items():
        errors = []
        for step in range(399, 500 - horizon):
            at = Origins(np.array([0]), np.array([step]))
            (block,) = row_blocks(opened, "test", at, horizons=(horizon,), represent=None)
            error = forecaster.predict(block)[0] - values[step + 1 : step + 1 + horizon]
            errors.extend(error[np.isfinite(error)])
        assert scores.metrics[f"mse/{horizon}"] == pytest.approx(np.square(errors).mean(), rel=1e-5)
        assert scores.metrics[f"mae/{horizon}"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
        assert scores.protocol[f"n_windows/{horizon}"] == 101 - horizon
