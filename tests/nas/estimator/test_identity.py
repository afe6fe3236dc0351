"""Who is who in new data: names count where there are any, and no answer depends on who else is asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downstream.errors import DataError, DataWarning
from nas import ContrastiveNAS

N, STEPS = 16, 200
quickly = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def quick(kind: str, **more: Any) -> ContrastiveNAS:
    return ContrastiveNAS(kind, preset="ts2vec", iterations=2, workers=1, **more)


def waves(n: int, steps: int, *, channels: int = 1, rng_seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(rng_seed)
    y = np.arange(n) % 2
    phase = rng.uniform(0, 6, size=(n, channels, 1))
    x = np.sin(np.arange(steps) * (1 + y[:, None, None]) / 2 + phase) + 0.2 * rng.normal(size=(n, channels, steps))
    return x * 10.0 ** np.arange(channels)[:, None], y


def panel() -> pd.DataFrame:
    """Three series of very different levels, long."""
    rng, time = np.random.default_rng(1), np.arange(STEPS)
    parts = []
    for name, level in zip("ABC", (0, 100, 10_000), strict=True):
        y = level + (1 + level / 10) * (np.sin(time / 4) + 0.1 * rng.normal(size=STEPS))
        times = pd.date_range("2024-01-01", periods=STEPS, freq="h")
        parts.append(pd.DataFrame({"unique_id": name, "ds": times, "y": y}))
    return pd.concat(parts, ignore_index=True)


def wide(*, anomalies: bool = False) -> pd.DataFrame:
    rng, time = np.random.default_rng(2), np.arange(STEPS)
    values = {
        name: size * np.sin(time / 4) + 0.1 * rng.normal(size=STEPS)
        for name, size in zip("abc", (1, 50, 1e4), strict=True)
    }
    frame = pd.DataFrame(values)
    if anomalies:
        frame.loc[150:153, "b"] += 400
    return frame


def by_id(frame: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    return pd.concat([frame[frame["unique_id"] == name] for name in ids], ignore_index=True)


@pytest.fixture(scope="module")
def case_models() -> dict[str, tuple[ContrastiveNAS, pd.DataFrame]]:
    x, y = waves(N, 24)
    frame = pd.DataFrame(x[:, 0], columns=[f"t{i}" for i in range(24)])
    return {kind: (quick(kind).fit(frame, y), frame) for kind in ("classification", "regression")}


@pytest.fixture(scope="module")
def of_panel() -> ContrastiveNAS:
    return quick("forecasting", window=24, horizons=6).fit(panel())


@pytest.fixture(scope="module")
def of_columns() -> dict[str, ContrastiveNAS]:
    frame = wide(anomalies=True)
    return {
        "forecasting": quick("forecasting", window=24, horizons=6).fit(frame),
        "anomaly": quick("anomaly", window=16).fit(frame),
    }


def answers(model: ContrastiveNAS) -> list[Callable[[Any], np.ndarray]]:
    also = [name for name in ("predict_proba", "decision_function") if hasattr(model, name)]
    return [partial(model.transform, level="step"), *(getattr(model, name) for name in ("transform", "predict", *also))]


@quickly
@given(data=st.data(), kind=st.sampled_from(["classification", "regression"]))
def test_cases_and_steps_of_a_table_in_any_order(
    case_models: dict[str, tuple[ContrastiveNAS, pd.DataFrame]], data: st.DataObject, kind: str
) -> None:
    model, frame = case_models[kind]
    rows = data.draw(st.permutations(range(N)))
    steps = data.draw(st.permutations(list(frame.columns)))
    for answer in answers(model):
        np.testing.assert_allclose(answer(frame.iloc[rows][steps]), answer(frame)[rows], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(answer(frame.iloc[[rows[0]]])[0], answer(frame)[rows[0]], rtol=1e-4, atol=1e-4)


@quickly
@given(rows=st.permutations(range(N)), container=st.sampled_from([np.asarray, list, np.asfortranarray]))
def test_cases_of_arrays_in_any_order_and_alone(rows: list[int], container: Callable[..., Any]) -> None:
    model, x = _of_arrays()
    for answer in answers(model):
        whole = answer(x)
        np.testing.assert_allclose(answer(container(x[rows])), whole[rows], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(answer(container(x[rows[:1]])), whole[rows[:1]], rtol=1e-4, atol=1e-4)


_FITTED: list[tuple[ContrastiveNAS, np.ndarray]] = []


def _of_arrays() -> tuple[ContrastiveNAS, np.ndarray]:
    if not _FITTED:
        x, y = waves(N, 24, channels=2)
        _FITTED.append((quick("classification").fit(x, y), x))
    return _FITTED[0]


@quickly
@given(ids=st.lists(st.sampled_from("ABC"), min_size=1, max_size=3, unique=True), shuffled=st.booleans())
def test_series_by_id(of_panel: ContrastiveNAS, ids: list[str], shuffled: bool) -> None:
    places = ["ABC".index(name) for name in ids]
    data = by_id(panel(), ids)
    if shuffled:  # rows of the series take turns
        data = data.sort_values(["ds", "unique_id"], key=lambda c: c if c.name == "ds" else c.map(ids.index))
    for answer in answers(of_panel):
        np.testing.assert_allclose(answer(data), answer(panel())[places], rtol=1e-5, atol=1e-5)


def test_a_panel_is_forecast_at_each_own_level(of_panel: ContrastiveNAS) -> None:
    levels = of_panel.predict(panel()).mean(axis=(1, 2))
    np.testing.assert_allclose(levels, [0, 100, 10_000], atol=2000, rtol=0.2)


def test_an_unknown_series_is_scaled_by_itself(of_panel: ContrastiveNAS) -> None:
    stranger = by_id(panel(), ["B"]).assign(unique_id="Z")
    moved = stranger.assign(y=stranger["y"] * 7 + 5e6)
    np.testing.assert_allclose(of_panel.transform(moved), of_panel.transform(stranger), atol=1e-3)
    np.testing.assert_allclose(of_panel.predict(moved), of_panel.predict(stranger) * 7 + 5e6, rtol=1e-4)


def test_series_without_ids_are_known_by_nothing_but_themselves() -> None:
    x = np.stack([part["y"].to_numpy() for _, part in panel().groupby("unique_id")])[:, None]
    model = quick("forecasting", window=24, horizons=6).fit(x)
    for answer in answers(model):
        np.testing.assert_allclose(answer(x[::-1]), answer(x)[::-1], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(answer(x[1:2]), answer(x)[1:2], rtol=1e-5, atol=1e-5)


@quickly
@given(names=st.permutations("abc"), kind=st.sampled_from(["forecasting", "anomaly"]))
def test_columns_by_name(of_columns: dict[str, ContrastiveNAS], names: list[str], kind: str) -> None:
    model, frame = of_columns[kind], wide(anomalies=True)
    for answer in answers(model):
        np.testing.assert_array_equal(answer(frame[names]), answer(frame))
    with pytest.warns(DataWarning, match="training did not have are left out: extra"):
        np.testing.assert_array_equal(model.predict(frame[names].assign(extra=1.0)), model.predict(frame))


@pytest.mark.parametrize("kind", ["forecasting", "anomaly"])
def test_a_missing_or_renamed_column_is_said(of_columns: dict[str, ContrastiveNAS], kind: str) -> None:
    for data in (wide()[["a", "c"]], wide().rename(columns={"b": "B"})):
        with pytest.raises(DataError, match=r"lacks 1 of the columns of training, such as 'b'"):
            of_columns[kind].predict(data)
    with pytest.raises(DataError, match=r"it has 2 variates, training had 3 \(a, b, c\)"):
        of_columns[kind].predict(np.zeros((1, 2, 100)))
    np.testing.assert_array_equal(  # an array has no names: its columns are those of training by their order
        of_columns[kind].predict(wide().to_numpy().T[None]), of_columns[kind].predict(wide())
    )


def test_other_steps_than_those_of_training_are_said(
    case_models: dict[str, tuple[ContrastiveNAS, pd.DataFrame]],
) -> None:
    model, frame = case_models["classification"]
    with pytest.raises(DataError, match=r"must be the 24 of training; 't23' is in one of the two only"):
        model.predict(frame.drop(columns="t23"))


def test_everything_survives_saving(
    of_panel: ContrastiveNAS, of_columns: dict[str, ContrastiveNAS], tmp_path: Path
) -> None:
    for name, model, data in (("panel", of_panel, by_id(panel(), ["C", "A"])), ("wide", of_columns["anomaly"], wide())):
        model.save(tmp_path / name)
        loaded = ContrastiveNAS.load(tmp_path / name)
        for one, two in zip(answers(model), answers(loaded), strict=True):
            np.testing.assert_array_equal(one(data), two(data))
        for attribute in ("result_text_", "scores_", "n_features_in_", "best_genotype_"):
            assert getattr(loaded, attribute) == getattr(model, attribute)
        assert list(loaded.feature_names_in_) == list(model.feature_names_in_)
        pd.testing.assert_frame_equal(loaded.ranking_, model.ranking_)
