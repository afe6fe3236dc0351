"""The estimator takes the same data in any form: frames with labels beside them, and panels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from downstream.errors import DataError
from nas import ContrastiveNAS


def quick(kind: str = "classification", **changes: Any) -> ContrastiveNAS:
    return ContrastiveNAS(kind, **{"preset": "simclr", "iterations": 2, **changes})


def cases(n: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Return sines of two periods, (n, 2, 20), and which of them each is."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    x = np.sin(np.arange(20) / np.where(y, 4.0, 1.5)[:, None, None] + rng.uniform(0, 6, (n, 1, 1)) + np.c_[[0.0, 1.0]])
    return x + 0.1 * rng.normal(size=x.shape), y


def as_levels(x: np.ndarray) -> pd.DataFrame:
    frames = {f"case {i}": pd.DataFrame(case.T, columns=["u", "v"]) for i, case in enumerate(x)}
    return pd.concat(frames, names=["case", "step"])


def as_cells(x: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({name: [pd.Series(case[i]) for case in x] for i, name in enumerate("uv")})


def test_rows_of_a_frame_and_labels_beside_it() -> None:
    x, y = cases()
    frame = pd.DataFrame(x[:, 0], columns=[f"t{i}" for i in range(20)])
    fitted = quick().fit(frame, pd.Series(y))
    array = quick().fit(x[:, 0], y)
    np.testing.assert_array_equal(fitted.transform(frame), array.transform(x[:, 0]))
    np.testing.assert_array_equal(fitted.predict(frame), array.predict(x[:, 0]))
    assert fitted.score(frame, y) == array.score(x[:, 0], y)
    targets = quick("regression").fit(frame, x[:, 0].mean(axis=1))
    assert targets.predict(frame).shape == (24,)


@pytest.mark.parametrize("form", [as_levels, as_cells])
def test_a_panel_is_cases(form: Any) -> None:
    x, y = cases()
    fitted, array = quick().fit(form(x), y), quick().fit(x, y)
    assert fitted.encoder_.variates == ("u", "v")
    np.testing.assert_array_equal(fitted.transform(form(x)), array.transform(x))
    np.testing.assert_array_equal(fitted.predict(form(x)), array.predict(x))


def test_folds_and_pipelines_of_frames() -> None:
    x, y = cases()
    frame = as_cells(x)
    model = make_pipeline(FunctionTransformer(), quick())
    assert np.isfinite(cross_val_score(model, frame, pd.Series(y), cv=2, error_score="raise")).all()


def test_forecasts_of_a_panel_in_any_form() -> None:
    time = np.arange(200)
    panel = {
        name: pd.DataFrame({"y": level + np.sin(time / 5)}, index=pd.period_range("2020", periods=200, freq="D"))
        for name, level in (("b", 0.0), ("a", 100.0))
    }
    long = pd.concat(panel).rename_axis(["item_id", "timestamp"]).reset_index()
    fitted = quick("forecasting", window=16, horizons=(4,)).fit(pd.concat(panel))
    assert fitted.encoder_.scaler.mean.shape == (2, 1)
    right = fitted.predict(pd.concat(panel))
    assert right.shape == (2, 1, 4) and right[1].mean() > 50 > right[0].mean()
    for form in (long, long.set_index(["item_id", "timestamp"]), panel):
        np.testing.assert_array_equal(fitted.predict(form), right)


def test_labels_of_rows_validate_anomaly_detection() -> None:
    rng = np.random.default_rng(0)
    y = (np.arange(600) % 60 == 59).astype(int)
    frame = pd.DataFrame({"v": rng.normal(size=600) + 6 * y})
    assert quick("anomaly", window=8).fit(frame, y).predict(frame).shape == (1, 600)
    with pytest.raises(DataError, match="forecasting takes no y"):
        quick("forecasting").fit(frame, y)
