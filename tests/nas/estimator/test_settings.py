"""The estimator takes what the command takes, by the same names and with the same defaults, on the device asked for."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from downstream.data.options import TableForm
from nas import ContrastiveNAS
from nas.errors import OptionError
from nas.estimator.parameters import plain_parameters, search_settings
from nas.options.fields import settings_of
from nas.options.search import SearchOptions

NOT_IN_PYTHON = {
    "data": "is the argument of fit",
    "task": "is called kind",
    "zero_shot": "trains nothing, so there would be nothing fitted",
    "dry_run": "prints what a search would take, and fits nothing",
    **{field.name: "is a key of table_form" for field in fields(TableForm)},
}
PYTHON_ONLY = {
    "kind": "is called task on the command line",
    "horizon": "is short for horizons with one",
    "layout": "is about arrays in memory",
    "table_form": "holds the options on tables",
    "random_state": "is what scikit-learn calls rng_seed",
}
OTHER_DEFAULT = {
    "workers": "1: an estimator is often one of several at work",
    "engine": "follows from the workers: one works in the process itself",
    "quiet": "True: a library prints nothing unasked",
}


def test_parameters_are_the_options_of_the_search() -> None:
    options, parameters = settings_of(SearchOptions), ContrastiveNAS().get_params()
    assert options.keys() - parameters.keys() == NOT_IN_PYTHON.keys()
    assert parameters.keys() - options.keys() == PYTHON_ONLY.keys()
    shared = {name: options[name].default for name in options.keys() & parameters.keys()}
    assert {name for name in shared if (shared[name] or None) != (parameters[name] or None)} == OTHER_DEFAULT.keys()


def test_every_shared_parameter_reaches_the_search(tmp_path: Any) -> None:
    given: dict[str, Any] = {
        "candidates": 7, "strategy": "policy", "policy_update": "dapo", "landmarks": 5, "top_k": 2, "iterations": 3,
        "members": 2, "allow_baseline": True, "effort": "fast", "report": False, "time_budget": "10m",
        "time_limit": "90s", "max_parameters": 10, "max_multiply_adds": 2e9,
        "max_memory": "500MB", "max_seconds_per_iteration": 2.5, "svm": False, "workers": 3, "engine": "process",
        "memory_limit": "1GB", "memory_budget": 10**8, "gpu_share": 0.5, "deterministic": True,
        "device": "cpu", "precision": "bfloat16",
        "comparator": tmp_path / "c", "bank": tmp_path / "b", "overwrite": True, "rng_seed": 9, "quiet": False,
    }  # fmt: skip
    plain = plain_parameters(ContrastiveNAS(output=tmp_path, **given).get_params())
    settings = search_settings(plain, tmp_path)
    read = {"time_budget": 600.0, "time_limit": 90.0, "max_memory": 5 * 10**8, "memory_limit": 10**9}
    read |= {"comparator": str(tmp_path / "c"), "bank": str(tmp_path / "b")}
    assert {name: getattr(settings, name) for name in given} == {**given, **read}


def waves(n: int = 300) -> np.ndarray:
    rng, time = np.random.default_rng(0), np.arange(n)
    return np.stack([np.sin(time / 4), 5 + np.cos(time / 6), rng.normal(size=n)]) + 0.05 * rng.normal(size=(3, n))


def test_a_single_horizon_targets_and_variates_of_arrays(tmp_path: Any) -> None:
    how: dict[str, Any] = {"preset": "simclr", "iterations": 2, "window": 16}
    chosen = {"target": "variate_1", "variates": ["variate_0", "variate_1"]}
    model = ContrastiveNAS("forecasting", horizon=6, **chosen, **how).fit(waves())
    assert model.encoder_.question["horizons"] == (6,) and model.encoder_.variates == ("variate_1", "variate_0")
    predicted = model.predict(waves())
    assert predicted.shape == (1, 1, 6) and 3.5 < predicted.mean() < 6.5  # the level of the target
    same = ContrastiveNAS("forecasting", horizons=[6], target="variate_0", **how).fit(waves()[[1, 0]])
    np.testing.assert_allclose(same.predict(waves()[[1, 0]]), predicted, rtol=1e-4)
    np.testing.assert_allclose(same.transform(waves()[[1, 0]]), model.transform(waves()), rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "saved")
    loaded = ContrastiveNAS.load(tmp_path / "saved")
    assert loaded.horizon == 6 and loaded.horizons is None
    np.testing.assert_array_equal(loaded.predict(waves()), predicted)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"horizon": 3, "horizons": (3,)}, "horizon and horizons: both say"),
        ({"horizon": 2.5}, "horizon: must be a whole number"),
        ({"time_budget": "soon"}, "time_budget: must be a duration"),
        ({"tensorboard": True}, "tensorboard: needs an output"),
        ({"precision": "float16"}, "precision: must be one of float32, bfloat16"),
    ],
)
def test_what_cannot_be_is_said(given: dict[str, Any], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        ContrastiveNAS("forecasting", **given).fit(waves())


def test_everything_runs_on_the_device_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ContrastiveNAS("forecasting", preset="simclr", iterations=1, window=16, horizon=4, device="cpu")
    model.fit(waves())
    model.set_params(device="cuda:7")
    asked: list[str] = []

    def pick(name: str) -> str:
        asked.append(name)
        raise OptionError(f"device: {name!r} is not available on this machine")

    monkeypatch.setattr("nas.estimator.contrastive_nas.pick_device", pick)
    uses = (model.transform, model.predict, model.predict_quantiles, lambda x: model.transform(x, level="step"))
    for use in uses:
        with pytest.raises(OptionError, match="'cuda:7' is not available"):
            use(waves())
    with pytest.raises(OptionError, match="'cuda:7' is not available"):
        model.score(waves(), np.zeros((1, 3, 4)))
    assert asked == ["cuda:7"] * 5
