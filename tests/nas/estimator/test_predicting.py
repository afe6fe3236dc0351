"""What an estimator answers with: each kind has its methods, and what the search fitted is not fitted twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from downstream.anomaly import predictor as anomaly
from downstream.forecasting import predictor as forecasting
from nas import ContrastiveNAS
from nas.errors import OptionError
from nas.saved.predictor import load_predictor


def wave(n: int = 400) -> np.ndarray:
    rng, time = np.random.default_rng(0), np.arange(n)
    return np.stack([np.sin(time / 4), 5 + np.cos(time / 6)]) + 0.05 * rng.normal(size=(2, n))


def quick(kind: str, **changes: Any) -> ContrastiveNAS:
    horizons = 6 if kind == "forecasting" else None
    return ContrastiveNAS(kind, **{"preset": "simclr", "iterations": 2, "window": 16, "horizons": horizons, **changes})


@pytest.fixture
def doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give today's probes the methods under test, of which the answers are known."""

    def quantiles(self: Any, represent: Any, series: Any, levels: Sequence[float]) -> Any:
        return self.predict(represent, series)[None] + np.asarray(levels)[:, None, None, None]

    def sizes(self: Any, represent: Any, series: Any) -> Any:
        return -np.stack([np.abs(each.values).sum(axis=1) for each in series])

    if not hasattr(forecasting.FittedProbe, "quantiles"):
        monkeypatch.setattr(forecasting.FittedProbe, "quantiles", quantiles, raising=False)
    monkeypatch.setattr(anomaly.FittedProbe, "score_samples", sizes, raising=False)
    monkeypatch.setattr(anomaly.FittedProbe, "decision", lambda self, *given: sizes(self, *given) + 6.0)
    monkeypatch.setattr(
        anomaly.FittedProbe, "predict", lambda self, *given: np.where(sizes(self, *given) + 6.0 < 0, -1, 1)
    )


@pytest.mark.usefixtures("doubles")
def test_each_kind_has_its_methods() -> None:
    methods = ("predict_quantiles", "predict_proba", "decision_function", "score_samples", "fit_predict")
    has = {kind: [name for name in methods if hasattr(quick(kind), name)] for kind in ("forecasting", "anomaly")}
    assert has == {"forecasting": ["predict_quantiles"], "anomaly": list(methods[2:])}
    assert [name for name in methods if hasattr(quick("classification"), name)] == list(methods[1:3])
    assert not any(hasattr(quick("regression"), name) for name in methods)


@pytest.mark.usefixtures("doubles")
def test_quantiles_of_a_forecast(tmp_path: Path) -> None:
    model = quick("forecasting").fit(wave())
    model.save(tmp_path / "saved")
    for each in (model, ContrastiveNAS.load(tmp_path / "saved")):
        found = each.predict_quantiles(wave())
        assert found.shape == (3, 1, 2, 6)
        assert (np.diff(found, axis=0) > 0).all()
        np.testing.assert_array_equal(each.predict_quantiles(wave(), [0.9, 0.1]), found[[0, 2]])
        assert each.predict_quantiles(wave(), 0.5).shape == (1, 1, 2, 6)
    for levels in ([0.0], [1.0], [0.5, 0.5], [np.nan]):
        with pytest.raises(OptionError, match="levels: must"):
            model.predict_quantiles(wave(), levels)


@pytest.mark.usefixtures("doubles")
def test_anomalies_are_minus_one_and_have_a_negative_decision() -> None:
    spiked = wave()
    spiked[0, 200] += 9.0
    model = quick("anomaly")
    labels = model.fit_predict(wave())
    assert labels.shape == (1, 400) and set(np.unique(labels)) <= {-1, 1}
    found = model.predict(spiked)
    np.testing.assert_array_equal(found == -1, model.decision_function(spiked) < 0)
    assert found[0, 200] == -1 and model.score_samples(spiked).argmin() == 200
    np.testing.assert_array_equal(labels, model.predict(wave()))


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    fits: list[int] = []
    fit: Callable[..., Any] = forecasting.fit

    def watched(task: Any, represent: Any, *, rng_seed: int) -> Any:
        fits.append(rng_seed)
        return fit(task, represent, rng_seed=rng_seed)

    monkeypatch.setattr(forecasting, "fit", watched)
    return fits


def test_what_the_search_fitted_is_not_fitted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = counted(monkeypatch)
    model = quick("forecasting", output=tmp_path / "run", rng_seed=5).fit(wave())
    assert fits == [5]
    kept = load_predictor(tmp_path / "run" / "predictor.safetensors")
    assert kept.facts == model.predictor_.facts
    for name, tensor in kept.tensors.items():
        np.testing.assert_array_equal(tensor.numpy(), model.predictor_.tensors[name].numpy())


def test_what_the_search_could_not_fit_is_fitted_behind_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = quick("forecasting").fit(wave()).predict(wave())
    model = quick("forecasting", output=tmp_path / "run").fit(wave())
    (tmp_path / "run" / "predictor.safetensors").unlink()
    fits = counted(monkeypatch)
    np.testing.assert_array_equal(model.fit(wave()).predict(wave()), expected)
    assert fits == [0]
