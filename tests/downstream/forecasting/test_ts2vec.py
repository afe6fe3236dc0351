"""TS2Vec's protocol over several series with gaps, against scikit-learn on rows written out."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from downstream.forecasting.task import ForecastingTask, Part
from downstream.forecasting.ts2vec.scoring import PARTS, compressed_rows, score_test_ts2vec
from downstream.probes.ridge import TS2VEC_ALPHAS
from downstream.task import Sealed
from downstream.windows import Windows

Floats = NDArray[np.floating]


class Filled:
    """The last values of each variate, gaps as zeros."""

    def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        found: NDArray[np.float32] = np.nan_to_num(windows.gather()[:, -5:].transpose(0, 2, 1)).astype(np.float32)
        return found


def _two_series_with_gaps(toys: SimpleNamespace) -> ForecastingTask:
    """Return 400 and 300 rows of two targets and a covariate, some missing in every part."""
    whole = [toys.ar1(n, coefficient=0.8, variates=3, rng_seed=n).astype(np.float32) for n in (400, 300)]
    for values in whole:
        for row in (60, 61, 130, len(values) - 90, len(values) - 20):
            values[row, row % 2] = np.nan
        values[70:75, 2] = np.nan  # a covariate may be missing
    base: ForecastingTask = toys.make_task(whole[0], n_targets=2, horizons=(2, 9), protocol="ts2vec")
    bounds = tuple((int(len(values) * 0.6), int(len(values) * 0.8)) for values in whole)
    return dataclasses.replace(
        base,
        series=tuple(values[:end] for values, (_, end) in zip(whole, bounds, strict=True)),
        sealed=Sealed(tuple(values[end:] for values, (_, end) in zip(whole, bounds, strict=True))),
        bounds=bounds,
    )


def _rows(task: ForecastingTask, part: Part, horizon: int, *, complete: bool) -> tuple[Floats, Floats]:
    origins = task.origins(part, horizon)
    x = Filled()(task.windows_at(origins)).reshape(len(origins.step), -1)
    y = task.targets_at(origins, horizon).reshape(len(x), -1)
    kept = np.isfinite(y).all(axis=1) | (not complete)
    return x[kept].astype(np.float64), y[kept].astype(np.float64)


def test_gaps_and_series_as_scikit_learn_sees_them(toys: SimpleNamespace) -> None:
    task = _two_series_with_gaps(toys)
    opened = task.open_test()
    metrics, settings = score_test_ts2vec(task, opened, Filled())
    for horizon in (2, 9):
        fit, seen = (_rows(opened, part, horizon, complete=True) for part in ("train", "validation"))
        x, y = _rows(opened, "test", horizon, complete=False)
        assert np.isnan(y).any()
        scores = []
        for alpha in TS2VEC_ALPHAS:
            errors = Ridge(alpha=alpha).fit(*fit).predict(seen[0]) - seen[1]
            scores.append(np.sqrt((errors**2).mean()) + np.abs(errors).mean())
        alpha = TS2VEC_ALPHAS[int(np.argmin(scores))]
        errors = (Ridge(alpha=alpha).fit(*fit).predict(x) - y)[np.isfinite(y)]
        assert settings[f"ts2vec.alpha/{horizon}"] == f"{alpha:g}"
        assert metrics[f"ts2vec.mse/{horizon}"] == pytest.approx((errors**2).mean(), rel=1e-6)
        assert metrics[f"ts2vec.mae/{horizon}"] == pytest.approx(np.abs(errors).mean(), rel=1e-6)


def test_a_horizon_without_a_complete_row_is_told(toys: SimpleNamespace) -> None:
    values = toys.ar1(500, coefficient=0.8)
    values[303:400:5, 0] = np.nan  # validation: never nine rows in a row
    task = toys.make_task(values, n_targets=2, horizons=(2, 9), protocol="ts2vec")
    metrics, settings = score_test_ts2vec(task, task.open_test(), Filled())
    assert "ts2vec.mse/2" in metrics
    assert "ts2vec.mse/9" not in metrics
    assert "no row" in settings["ts2vec.protocol/9"]


def test_what_the_test_part_looks_like_does_not_decide_what_is_kept(toys: SimpleNamespace) -> None:
    opened = toys.make_task(toys.ar1(400, coefficient=0.8), n_targets=2, horizons=(2,), protocol="ts2vec").open_test()
    rng = np.random.default_rng(0)
    features: dict[Part, Floats] = {part: rng.normal(size=(len(opened.origins(part, 2).step), 3)) for part in PARTS}
    for part in ("train", "validation"):
        features[part][:, 2] *= 1e-6  # would be kept if the test part, where it is large, had a say
    _, compression = compressed_rows(opened, features)
    assert compression.basis.shape == (3, 2)
