"""Planted anomalies: labelled exactly where they change, reproducible, never everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream.anomaly.planted import EVENTS, plant_anomalies


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 600), st.integers(1, 4), st.integers(1, 64), st.integers(0, 2**32 - 1))
def test_changes_lie_inside_labels_and_both_labels_occur(n_rows: int, width: int, longest: int, rng_seed: int) -> None:
    values = np.random.default_rng(1).normal(size=(n_rows, width)).astype(np.float32)
    before = values.copy()
    planted = plant_anomalies(values, rng=np.random.default_rng(rng_seed), longest=longest)
    np.testing.assert_array_equal(values, before)
    changed = (planted.values != values).any(axis=1)
    assert not changed[planted.labels == 0].any()
    assert set(planted.labels.tolist()) == {0, 1}
    assert planted.labels.mean() <= 0.5


def test_same_rng_seed_same_anomalies() -> None:
    values = np.random.default_rng(1).normal(size=(400, 3)).astype(np.float32)
    first, again = (plant_anomalies(values, rng=np.random.default_rng(5)) for _ in range(2))
    other = plant_anomalies(values, rng=np.random.default_rng(6))
    np.testing.assert_array_equal(first.values, again.values)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert (first.labels != other.labels).any()


def test_missing_values_stay_missing() -> None:
    values = np.random.default_rng(1).normal(size=(500, 2)).astype(np.float32)
    values[::3, 0] = np.nan
    planted = plant_anomalies(values, rng=np.random.default_rng(0))
    assert np.isnan(planted.values[np.isnan(values)]).all()


def test_each_kind_does_what_it_says() -> None:
    segment = np.linspace(0, 1, 12, dtype=np.float32).reshape(6, 2)
    rng = np.random.default_rng(0)
    spike = EVENTS["spike"](segment, rng) - segment
    assert (np.abs(spike) >= 2.0 - 1e-6).all() and (np.abs(spike) <= 5.0 + 1e-6).all()
    shift = EVENTS["level_shift"](segment, rng) - segment
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-6)
    noise = EVENTS["noise_burst"](segment, rng) - segment
    assert noise.std() > 0.1
    np.testing.assert_array_equal(EVENTS["flat_segment"](segment, rng), np.broadcast_to(segment[0], segment.shape))


def test_one_row_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 rows, got 1"):
        plant_anomalies(np.zeros((1, 1), dtype=np.float32), rng=np.random.default_rng(0))
