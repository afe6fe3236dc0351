"""The forecaster's pieces: TS2Vec's protocol, gaps in lags, plain ridges, sums of errors, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from downstream.forecasting import scoring as forecasting
from downstream.forecasting.errors import DECILES, quantile_sums
from downstream.forecasting.plain import fit_plain
from downstream.forecasting.rows import Features, fill_gaps, row_blocks, usable_horizons
from downstream.forecasting.task import Origins
from downstream.forecasting.ts2vec import scoring as forecast_ts2vec
from downstream.probes.ridge import TS2VEC_ALPHAS
from downstream.represent import represented
from downstream.windows import Windows

Floats = NDArray[np.floating]


def test_ts2vec_protocol_equals_sklearn(toys: SimpleNamespace) -> None:
    task = toys.make_task(toys.ar1(500, coefficient=0.8), n_targets=2, horizons=(2, 5), protocol="ts2vec")
    assert forecast_ts2vec.applies(task)
    opened = task.open_test()
    scores = forecasting.score_test(task, opened, toys.Identity())
    for horizon in (2, 5):
        data = {}
        for part, source in (("train", task), ("validation", task), ("test", opened)):
            origins = source.origins(part, horizon)
            x = toys.Identity()(source.windows_at(origins)).reshape(len(origins.step), -1)
            data[part] = (x, source.targets_at(origins, horizon).reshape(len(x), -1))
        best = (np.inf, 0.0, 0.0)
        for alpha in TS2VEC_ALPHAS:
            model = Ridge(alpha=alpha).fit(*data["train"])
            error = model.predict(data["validation"][0]) - data["validation"][1]
            tested = model.predict(data["test"][0]) - data["test"][1]
            best = min(best, (float(np.sqrt((error**2).mean()) + np.abs(error).mean()), alpha, (tested**2).mean()))
        assert scores.settings[f"ts2vec.alpha/{horizon}"] == f"{best[1]:g}"
        assert scores.metrics[f"ts2vec.mse/{horizon}"] == pytest.approx(best[2], rel=1e-4)


def test_ts2vec_protocol_says_when_it_is_too_wide(toys: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_ts2vec, "MAX_FEATURES", 3)
    task = toys.make_task(toys.noise(200), n_targets=2, protocol="ts2vec")
    metrics, settings = forecast_ts2vec.score_test_ts2vec(task, task.open_test(), toys.Identity())
    assert metrics == {}
    assert "12 features" in settings["ts2vec.protocol"]


def test_fill_gaps_looks_back_and_only_then_ahead() -> None:
    nan = np.nan
    lags = np.array([[[nan, 1.0], [2.0, nan], [nan, nan], [5.0, 4.0]], [[nan, nan]] * 4])
    filled, seen = fill_gaps(lags)
    assert filled[0].T.tolist() == [[2.0, 2.0, 2.0, 5.0], [1.0, 1.0, 1.0, 4.0]]
    assert not filled[1].any()
    assert seen.tolist() == [[True, True], [False, False]]


@pytest.mark.parametrize("features", ["raw_lags", "representation"])
@pytest.mark.parametrize("mixed", [False, True])
def test_the_plain_ridge_equals_sklearn_on_naive_rows(features: Features, mixed: bool, toys: SimpleNamespace) -> None:
    values = toys.ar1(300, coefficient=0.8) + 3
    if not mixed:
        values[[40, 90, 91, 200], [0, 1, 0, 1]] = np.nan
    task = toys.make_task(values, n_targets=2)
    represent = toys.Identity(mixed=mixed)
    for horizon, fitted in fit_plain(task, represent, features=features).items():
        x, y = [], []
        for step in range(11, 180 - horizon):
            at = Origins(np.array([0]), np.array([step]))
            (block,) = row_blocks(task, "train", at, horizons=(horizon,), represent=represent)
            x.append(block.features(features)[:, 0].numpy())
            y.append(block.changes(features)[:, 0].numpy())
        rows, changes = (np.concatenate(part).astype(float) for part in (x, y))
        whole = np.isfinite(changes).all(axis=1)
        unit = rows[whole].std(axis=0) if features == "representation" else 1.0
        oracle = Ridge(alpha=fitted.alpha.alpha).fit(rows[whole] / unit, changes[whole])
        np.testing.assert_allclose(fitted.weights.T.numpy() * unit, np.atleast_2d(oracle.coef_), atol=1e-4)
        np.testing.assert_allclose(fitted.intercept, oracle.intercept_, atol=1e-4)


def test_sums_of_pinball_losses_and_coverage_equal_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    above, deciles = rng.normal(size=(7, 5, 2)), np.sort(rng.normal(size=(9, 5, 2)), axis=0)
    above[2, 3, 1] = np.nan
    room = np.asarray([1, 2, 3, 4, 5, 6, 0])
    for horizon, found in quantile_sums((2, 5), above, deciles, room).items():
        losses, inside = [], []
        for origin, step, target in np.ndindex(7, horizon, 2):
            truth = above[origin, step, target]
            if room[origin] < horizon or np.isnan(truth):
                continue
            over = [truth - decile for decile in deciles[:, step, target]]
            losses.append(np.mean([max(q * d, (q - 1) * d) for q, d in zip(DECILES, over, strict=True)]))
            inside.append(deciles[0, step, target] <= truth <= deciles[8, step, target])
        assert found.n == len(losses)
        assert found.pinball == pytest.approx(sum(losses))
        assert found.covered == sum(inside)


def test_errors_are_clear(toys: SimpleNamespace) -> None:
    task = toys.make_task(toys.noise(100), n_targets=2, horizons=(90,))
    with pytest.raises(ValueError, match=r"toy: no horizon of \(90,\) fits"):
        usable_horizons(task)
    short = toys.make_task(toys.noise(100), n_targets=2)

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
