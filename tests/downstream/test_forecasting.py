"""The forecaster: sums against naive rows, known processes, no look ahead, no test data in any choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from downstream import baselines, forecast_choice, forecast_ts2vec, forecasting
from downstream.forecast_choice import Evidence, Gain, block_standard_error
from downstream.forecast_models import REFERENCE, fit_horizon
from downstream.forecast_rows import NORMALIZATIONS, fill_gaps, pick_origins, row_blocks, usable_horizons
from downstream.forecast_sums import sum_rows
from downstream.forecasting_task import ForecastingTask, Origins
from downstream.probes.ridge import TS2VEC_ALPHAS
from downstream.represent import represented
from downstream.scaling import Scaler
from downstream.task import Sealed, TaskSpec, task_hash
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


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_every_setting_equals_sklearn_on_naive_rows(mixed: bool, missing: bool) -> None:
    values = ar1(300, coefficient=0.8) + 3
    if missing:
        values[[40, 90, 91, 200], [0, 1, 0, 1]] = np.nan
    task = make_task(values, n_targets=2)
    horizons = usable_horizons(task)
    represent = Identity(mixed=mixed)
    sums = {}
    for part in ("train", "validation"):
        blocks = row_blocks(
            task, part, pick_origins(task, part, horizon=1, max_rows=10**6), horizons=horizons, represent=represent
        )
        sums[part] = sum_rows(
            blocks, horizons=horizons, normalizations=NORMALIZATIONS, for_validation=part == "validation"
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


def test_forecasts_reach_the_noise_of_a_known_process() -> None:
    task = make_task(ar1(4000, coefficient=0.9), n_targets=2, horizons=(1, 3))
    opened = task.open_test()
    scores = forecasting.test(task, opened, Identity())
    # h-step errors of AR(1): sum of coefficient^(2i), averaged over the steps.
    steps = np.cumsum(0.81 ** np.arange(3))
    assert scores.metrics["mse/1"] == pytest.approx(1.0, rel=0.1)
    assert scores.metrics["mse/3"] == pytest.approx(steps.mean(), rel=0.1)
    assert scores.value == pytest.approx((scores.metrics["mse/1"] + scores.metrics["mse/3"]) / 2)
    assert scores.protocol["n_windows/3"] == 800 - 3 + 1
    assert scores.protocol["scaler_rows"] == 2400


def test_seasonal_naive_is_exact_on_a_season_and_the_ridge_too() -> None:
    time = np.arange(900)
    values = np.stack([np.sin(2 * np.pi * time / 24), np.cos(2 * np.pi * time / 24)], axis=1)
    task = make_task(values, n_targets=2, horizons=(30,))
    found = baselines.forecasting_baselines(task, task.open_test())
    assert found["seasonal_naive"].settings["period"] == "24"
    assert found["seasonal_naive"].value < 1e-8
    assert found["raw_lag_ridge"].value < 1e-4
    assert found["repeat_last"].value > 0.5


def test_a_representation_that_knows_more_replaces_raw_lags_and_noise_does_not() -> None:
    lead = noise(3000, 1)
    values = np.concatenate([np.roll(lead, 3, axis=0) + 0.1 * noise(3000, 1, rng_seed=1), lead], axis=1)
    task = make_task(values, n_targets=1, horizons=(3,))
    choice = forecast_choice.fit(task, Identity(mixed=True))[3]
    assert choice.chosen.setting.features in ("representation", "both")
    assert choice.chosen.validation_error < 0.05 < choice.reference.validation_error

    class Noise:
        def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
            return np.random.default_rng(windows.n).normal(size=(windows.n, 1, 8)).astype(np.float32)

    assert forecast_choice.fit(task, Noise())[3].chosen.setting.features == "raw_lags"


def test_one_lucky_period_does_not_replace_the_reference() -> None:
    # Levels wander while training, then validation returns to zero: the mean wins there by luck only.
    values = np.cumsum(0.3 * noise(2000, 1), axis=0)
    values[1200:1600] = 0.02 * np.cumsum(noise(400, 1, rng_seed=2), axis=0)
    choice = forecast_choice.fit(make_task(values, n_targets=1, horizons=(8,)), None)[8]
    assert choice.chosen.setting == REFERENCE
    few = Gain(1.0, 0.3, 2.0)
    assert Gain(1.0, 0.3, 30.0).is_clear
    assert Gain(1.0, 0.42, 30.0).is_clear
    assert not Gain(1.0, 0.42, 30.0, n_tests=5).is_clear
    assert not few.is_clear
    assert Evidence(Gain(1.0, 0.3, 30.0), None).is_clear
    assert not Evidence(Gain(1.0, 0.3, 30.0), few).is_clear


def test_changing_the_future_changes_no_forecast() -> None:
    values = ar1(500, coefficient=0.7)
    task = make_task(values, n_targets=2)
    opened = task.open_test()
    origin = 430
    poisoned = opened.series[0].copy()
    poisoned[origin + 1 :] += 100.0
    changed = replace(opened, series=(poisoned,))
    for choice in forecast_choice.fit(task, Identity()).values():
        for forecaster in (choice.chosen, *choice.best.values()):
            both = []
            for one in (opened, changed):
                at = Origins(np.array([0]), np.array([origin]))
                block = next(iter(row_blocks(one, "test", at, horizons=(4,), represent=Identity())))
                both.append(forecaster.predict(block))
            np.testing.assert_array_equal(both[0], both[1])


def test_poisoned_test_rows_change_no_choice_and_no_validation_score() -> None:
    values = ar1(600, coefficient=0.8)
    poisoned = values.copy()
    poisoned[480:] = 1e6
    results = []
    for one in (values, poisoned):
        task = make_task(one, n_targets=2)
        task.open_test()
        choices = forecast_choice.fit(task, Identity())
        score = forecasting.validate(task, Identity(), details=True)
        results.append((score, [(c.chosen.setting, c.chosen.alphas) for c in choices.values()]))
    assert results[0] == results[1]


@pytest.mark.parametrize("mixed", [False, True])
def test_validate_is_nested_and_uses_one_rule(mixed: bool) -> None:
    task = make_task(ar1(1500, coefficient=0.9), n_targets=2, horizons=(1, 3))
    score = forecasting.validate(task, Identity(8, mixed=mixed), details=True)
    quick = forecasting.validate(task, Identity(8, mixed=mixed))
    assert quick.value == pytest.approx(score.value)
    assert score.metric == "mse"
    assert not score.higher_is_better
    assert score.value == pytest.approx((score.details["mse/1"] + score.details["mse/3"]) / 2)
    assert score.details["mse/1"] == pytest.approx(1.0, rel=0.15)
    assert score.details["repeat_last_mse/1"] == pytest.approx(2 / 1.9, rel=0.15)
    if not mixed:
        # The same eight lags relative to the last, so the same model up to the scale of the penalty.
        same = forecasting.validate(task, Identity(8, relative=True))
        assert same.value == pytest.approx(score.details["raw_lags_mse"], rel=0.02)


def test_validate_does_not_reward_features_without_information() -> None:
    task = make_task(noise(300), n_targets=2, horizons=(2,))

    class ManyFeatures:
        def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
            return np.random.default_rng(0).normal(size=(windows.n, 2, 200)).astype(np.float32)

    score = forecasting.validate(task, ManyFeatures(), details=True)
    last = score.details["repeat_last_mse"]
    # Targets minus the last value have variance 2; nothing can explain any of it from noise.
    assert 0.9 * last < score.value < 1.3 * last


def test_ts2vec_protocol_equals_sklearn() -> None:
    task = make_task(ar1(500, coefficient=0.8), n_targets=2, horizons=(2, 5), protocol="ts2vec")
    assert forecast_ts2vec.applies(task)
    opened = task.open_test()
    scores = forecasting.test(task, opened, Identity())
    for horizon in (2, 5):
        data = {}
        for part, source in (("train", task), ("validation", task), ("test", opened)):
            origins = source.origins(part, horizon)
            x = Identity()(source.windows_at(origins)).reshape(len(origins.step), -1)
            data[part] = (x, source.targets_at(origins, horizon).reshape(len(x), -1))
        best = (np.inf, 0.0, 0.0)
        for alpha in TS2VEC_ALPHAS:
            model = Ridge(alpha=alpha).fit(*data["train"])
            error = model.predict(data["validation"][0]) - data["validation"][1]
            tested = model.predict(data["test"][0]) - data["test"][1]
            best = min(best, (float(np.sqrt((error**2).mean()) + np.abs(error).mean()), alpha, (tested**2).mean()))
        assert scores.settings[f"ts2vec.alpha/{horizon}"] == f"{best[1]:g}"
        assert scores.metrics[f"ts2vec.mse/{horizon}"] == pytest.approx(best[2], rel=1e-4)


def test_ts2vec_protocol_says_when_it_is_too_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_ts2vec, "MAX_FEATURES", 3)
    task = make_task(noise(200), n_targets=2, protocol="ts2vec")
    metrics, settings = forecast_ts2vec.test_ts2vec(task, task.open_test(), Identity())
    assert metrics == {}
    assert "12 features" in settings["ts2vec.protocol"]


def test_fill_gaps_looks_back_and_only_then_ahead() -> None:
    nan = np.nan
    lags = np.array([[[nan, 1.0], [2.0, nan], [nan, nan], [5.0, 4.0]], [[nan, nan]] * 4])
    filled, seen = fill_gaps(lags)
    assert filled[0].T.tolist() == [[2.0, 2.0, 2.0, 5.0], [1.0, 1.0, 1.0, 4.0]]
    assert not filled[1].any()
    assert seen.tolist() == [[True, True], [False, False]]


def test_block_standard_error_knows_dependence() -> None:
    rng = np.random.default_rng(0)
    independent = rng.normal(size=4000)
    error = block_standard_error(independent, block=1, rng=rng)
    assert error == pytest.approx(1 / np.sqrt(4000), rel=0.1)
    repeated = np.repeat(rng.normal(size=400), 10)
    assert block_standard_error(repeated, block=10, rng=rng) == pytest.approx(np.sqrt(0.9 / 400), rel=0.25)


def test_sums_over_variates_are_given_up_when_they_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("downstream.forecast_sums.MAX_ENTRIES", 100)
    choice = forecast_choice.fit(make_task(ar1(400, coefficient=0.5), n_targets=2), None)[1]
    assert choice.chosen.setting.sharing == "shared"
    assert choice.reference.weights.shape[0] == 1


def test_errors_are_clear() -> None:
    task = make_task(noise(100), n_targets=2, horizons=(90,))
    with pytest.raises(ValueError, match=r"toy: no horizon of \(90,\) fits"):
        usable_horizons(task)
    short = make_task(noise(100), n_targets=2)

    def three_streams(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        return np.zeros((windows.n, 3, 2), dtype=np.float32)

    with pytest.raises(ValueError, match="1 or 2 streams for this task, got 3"):
        forecasting.validate(short, three_streams)
    with pytest.raises(ValueError, match="n_windows = 2, streams, features"):
        represented(
            lambda windows, mask_last=False: np.zeros((2, 2)), short.windows_at(Origins(*np.zeros((2, 2), int)))
        )
    with pytest.raises(FloatingPointError, match="diverged"):
        represented(lambda windows, mask_last=False: np.full((1, 1, 1), np.nan), short.training_windows().subset([0]))


def test_the_reference_alone_equals_the_reference_of_the_choice() -> None:
    task = make_task(ar1(500, coefficient=0.8), n_targets=2)
    choices = forecast_choice.fit(task, None)
    for horizon, fitted in forecast_choice.fit_reference(task).items():
        np.testing.assert_allclose(fitted.weights, choices[horizon].reference.weights, rtol=1e-9)
        assert fitted.alphas[0].alpha == choices[horizon].reference.alphas[0].alpha


def test_test_errors_equal_the_loop_over_every_origin_and_observed_target() -> None:
    values = ar1(500, coefficient=0.8)
    values[[450, 460], [0, 1]] = np.nan
    task = make_task(values, n_targets=2)
    opened = task.open_test()
    scores = forecasting.test(task, opened, None)
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
