"""The forecaster's pieces: TS2Vec's protocol, gaps in lags, dependent errors, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from downstream.forecasting import scoring as forecasting
from downstream.forecasting.choosing import choice as forecast_choice
from downstream.forecasting.choosing.evidence import block_standard_error
from downstream.forecasting.rows import NORMALIZATIONS, fill_gaps, pick_origins, row_blocks, usable_horizons
from downstream.forecasting.sums import RowSums, sum_rows
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


def test_block_standard_error_knows_dependence() -> None:
    rng = np.random.default_rng(0)
    independent = rng.normal(size=4000)
    error = block_standard_error(independent, block=1, rng=rng)
    assert error == pytest.approx(1 / np.sqrt(4000), rel=0.1)
    repeated = np.repeat(rng.normal(size=400), 10)
    assert block_standard_error(repeated, block=10, rng=rng) == pytest.approx(np.sqrt(0.9 / 400), rel=0.25)


def test_sums_over_variates_are_given_up_when_they_are_too_large(
    toys: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downstream.forecasting.sums.MAX_ENTRIES", 100)
    choice = forecast_choice.fit(toys.make_task(toys.ar1(400, coefficient=0.5), n_targets=2), None)[1]
    assert choice.chosen.other.setting.sharing == "shared"
    assert choice.reference.weights.shape[0] == 1


@pytest.mark.parametrize("mixed", [False, True])
def test_sums_of_all_variates_are_those_of_each_added_up(
    mixed: bool, toys: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = toys.ar1(300, coefficient=0.8, variates=3)
    if not mixed:  # with gaps, one model for all variates at once has too few whole rows
        values[[40, 90, 91], [0, 1, 2]] = np.nan
    task = toys.make_task(values, n_targets=3)
    horizons = usable_horizons(task)
    origins = pick_origins(task, "train", horizon=1, max_rows=10**6)

    def sums(*, per_variate: bool) -> RowSums:
        blocks = row_blocks(task, "train", origins, horizons=horizons, represent=toys.Identity(mixed=mixed))
        return sum_rows(
            blocks, horizons=horizons, normalizations=NORMALIZATIONS, for_validation=True, per_variate=per_variate
        )

    apart, pooled = sums(per_variate=True), sums(per_variate=False)
    monkeypatch.setattr("downstream.forecasting.sums.MAX_PER_VARIATE_COST", 10.0 * 3 * 8**3)  # too little for both
    parts = sums(per_variate=True)
    assert apart.keys() == pooled.keys() == parts.keys()
    for key, moments in apart.items():
        joint = mixed and key[0] == "representation"
        for each, one, other in zip(moments, pooled[key], parts[key], strict=True):
            if each is None:
                assert one is None and other is None and joint
                continue
            assert one is not None and other is not None
            assert len(each.count) == (1 if joint else 3) and len(one.count) == 1
            assert len(other.count) == (1 if joint or key[0] == "both" else 3)
            for whole in (one, other.pooled()):
                for name, expected in vars(each.pooled()).items():
                    torch.testing.assert_close(getattr(whole, name), expected, rtol=1e-9, atol=1e-9)


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
