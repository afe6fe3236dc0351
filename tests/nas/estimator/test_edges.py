"""Numbers at the edges of float64, and truth that does not fit: right, or one sentence."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import DataConversionWarning

from downstream.errors import DataError, DataWarning
from nas import ContrastiveNAS

EDGES = {"tiny": (0.0, 1e-170), "huge": (0.0, 1e29), "far up": (1e12, 1.0), "far down": (-1e12, 0.1)}


def quick(kind: str, **more: Any) -> ContrastiveNAS:
    return ContrastiveNAS(kind, preset="ts2vec", iterations=1, workers=1, **more)


def wave(n: int = 200) -> np.ndarray:
    return np.sin(np.arange(n) / 4) + 0.05 * np.random.default_rng(0).normal(size=n)


@pytest.fixture(scope="module")
def forecast() -> np.ndarray:
    return quick("forecasting", window=24, horizons=4).fit(wave()[None, None]).predict(wave()[None, None])


@pytest.mark.parametrize("edge", EDGES)
def test_forecasts_in_a_unit_at_the_edge(forecast: np.ndarray, edge: str) -> None:
    offset, unit = EDGES[edge]
    data = (offset + unit * wave())[None, None]
    model = quick("forecasting", window=24, horizons=4).fit(data)
    np.testing.assert_allclose((model.predict(data) - offset) / unit, forecast, atol=2e-2)
    assert model.score(data, offset + unit * forecast) > -0.01 * max(unit, 1) ** 2


@pytest.mark.parametrize("edge", EDGES)
def test_cases_in_a_unit_at_the_edge(edge: str) -> None:
    offset, unit = EDGES[edge]
    y = np.arange(16) % 2
    cases = np.sin(np.arange(24) * (1 + y[:, None]) / 2 + np.random.default_rng(0).uniform(0, 6, size=(16, 1)))
    x = (offset + unit * cases)[:, None]
    assert quick("classification").fit(x, y).score(x, y) == 1.0
    if edge == "tiny":
        with pytest.raises(DataError, match="targets differ by 1e-170, so that squared errors vanish"):
            quick("regression").fit(x, unit * y)
    else:
        assert quick("regression").fit(x, offset + unit * y).score(x, offset + unit * y) > 0.9


def test_what_is_constant_but_for_rounding_is_constant() -> None:
    values = np.stack([wave(), np.where(np.arange(200) % 2, 0.3, 0.1 + 0.2)])
    with pytest.raises(DataError, match="'variate_1' is constant"):
        quick("forecasting", window=24, horizons=4).fit(values[None])


@pytest.fixture(scope="module")
def fitted() -> dict[str, tuple[ContrastiveNAS, np.ndarray]]:
    y = np.arange(16) % 2
    x = np.sin(np.arange(24) * (1 + y[:, None]) / 2 + np.random.default_rng(0).uniform(0, 6, size=(16, 1)))[:, None]
    long = wave()[None, None]
    return {
        "classification": (quick("classification").fit(x, y), x),
        "regression": (quick("regression").fit(x, y + 0.1 * np.arange(16)), x),
        "forecasting": (quick("forecasting", window=24, horizons=4).fit(long), long),
        "anomaly": (quick("anomaly", window=16).fit(long), long),
    }


@pytest.mark.parametrize(
    ("kind", "truth", "message"),
    [
        ("classification", np.zeros(15, dtype=int), "one class per case .16."),
        ("classification", np.zeros((16, 1), dtype=int), "one class per case .16."),
        ("classification", ["0"] * 16, "texts and numbers are never equal"),
        ("classification", [0.0] * 15 + [np.nan], "label of case 15 is missing"),
        ("regression", np.zeros(15), "a number per case .16."),
        ("regression", ["a"] * 16, "a number per case .16."),
        ("regression", [np.nan] * 16, "finite targets"),
        ("forecasting", np.zeros(4), r"\(series, variates, steps\) = \(1, 1, 1 to 4\), got shape \(4,\)"),
        ("forecasting", np.zeros((1, 1, 5)), "1 to 4"),
        ("forecasting", np.zeros((2, 1, 4)), "1 to 4"),
        ("forecasting", np.full((1, 1, 4), np.nan), "holds no value"),
        ("anomaly", np.zeros(199), "a label per step of 1 series of 200 steps"),
        ("anomaly", np.zeros((1, 200)), "the same in all steps"),
        ("anomaly", np.ones(200), "the same in all steps"),
        ("anomaly", np.r_[np.zeros(199), np.nan], "0 .normal. or 1 .anomaly."),
        ("anomaly", np.r_[np.ones(199), -1], "0 .normal. or 1 .anomaly."),
    ],
)
def test_truth_that_does_not_fit_is_said(
    fitted: dict[str, tuple[ContrastiveNAS, np.ndarray]], kind: str, truth: Any, message: str
) -> None:
    model, data = fitted[kind]
    with pytest.raises(DataError, match=message):
        model.score(data, truth)


def test_truth_of_equal_targets_is_scored_as_scikit_learn_does(
    fitted: dict[str, tuple[ContrastiveNAS, np.ndarray]],
) -> None:
    model, data = fitted["regression"]
    assert model.score(data, np.full(16, 3.0)) == 0.0
    model, data = fitted["classification"]
    assert model.score(data, np.full(16, 0)) == 0.5
    assert model.score(data, np.full(16, 9)) == 0.0  # a class that training did not have
    model, data = fitted["anomaly"]
    labels = np.r_[np.zeros(150), np.ones(1), np.zeros(49)]
    assert model.score(data, labels) == model.score(data, labels[None]) == model.score(data, [labels.tolist()])


@pytest.mark.parametrize("ask", ["predict", "transform"])
def test_what_is_made_of_nothing_is_said(fitted: dict[str, tuple[ContrastiveNAS, np.ndarray]], ask: str) -> None:
    model, data = fitted["classification"]
    holes = data.copy()
    holes[[3, 5]] = np.nan
    with pytest.warns(DataWarning, match="array: 'case 3' and 1 more are without any value"):
        made = getattr(model, ask)(holes)
    np.testing.assert_array_equal(np.delete(made, [3, 5], axis=0), np.delete(getattr(model, ask)(data), [3, 5], axis=0))
    for kind in ("forecasting", "anomaly"):
        model, data = fitted[kind]
        with pytest.warns(DataWarning, match="shorter than the window of [0-9]+ steps; the steps before it count as"):
            getattr(model, ask)(data[..., -5:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, data = fitted["classification"]
        getattr(model, ask)(data[..., :5])  # cases may have any length


@pytest.mark.parametrize(
    ("kind", "x", "y", "message"),
    [
        ("classification", np.zeros((4, 8)), None, "fit requires y to be passed, but the target y is None; cases need"),
        ("classification", np.ones((1, 8)), np.ones(1), "it holds 1 sample; fitting needs at least 2"),
        ("classification", np.ones((4, 8)), [0.0, 1.5, 1.0, 0.0], "the label of case 1 is 1.5, of a continuous scale"),
        ("regression", np.ones((4, 8), dtype=complex), np.ones(4), "Complex data not supported: pass the real and"),
        ("regression", np.ones((4, 0)), np.ones(4), r"0 feature.s. .shape=.4, 0.. while a minimum of 1 is required"),
        ("regression", np.ones(4), np.ones(4), r"got shape .4,.\. Reshape your data: one case is X.None."),
    ],
)
def test_arrays_that_cannot_be_fitted_are_said(kind: str, x: Any, y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        quick(kind).fit(x, y)


def test_a_column_of_labels_is_taken() -> None:
    y = np.arange(16) % 2
    x = np.sin(np.arange(24) * (1 + y[:, None]) / 2)
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed when a 1d array was expected"):
        model = quick("classification").fit(x, y[:, None])
    assert model.score(x, y) == 1.0
