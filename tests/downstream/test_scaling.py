"""The scaler against scikit-learn's, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from downstream.errors import DataError, DataWarning
from downstream.scaling import fit_scaler


def test_equals_scikit_learn_and_inverts() -> None:
    rows = np.random.default_rng(0).normal(3.0, 2.0, size=(50, 3))
    rows[4, 1] = np.nan
    scaler = fit_scaler([rows], variates="abc", source="set")
    expected = StandardScaler().fit_transform(rows)
    scaled = scaler.transform(rows)
    np.testing.assert_allclose(scaled, expected, atol=1e-6)
    np.testing.assert_allclose(scaler.inverse(scaled), rows, atol=1e-5)
    np.testing.assert_allclose(scaler.inverse(scaled[:, :2]), rows[:, :2], atol=1e-5)
    assert scaler.n_rows_seen == 50


def test_every_series_has_its_own_scale() -> None:
    one, two = np.array([[0.0], [2.0]]), np.array([[10.0], [30.0], [20.0]])
    scaler = fit_scaler([one, two], variates=["v"], source="set")
    np.testing.assert_allclose(scaler.transform(one, series=0)[:, 0], [-1, 1])
    assert scaler.transform(two, series=1).mean() == pytest.approx(0.0, abs=1e-6)
    assert scaler.n_rows_seen == 5


def test_constant_variate_is_named() -> None:
    rows = np.stack([np.arange(5.0), np.full(5, 0.1)], axis=1)
    with pytest.raises(
        DataError, match="set: variate 'b' is constant in the training rows; remove it or pass variates="
    ):
        fit_scaler([rows], variates=["a", "b"], source="set")


def test_missing_variate_is_named() -> None:
    rows = np.stack([np.arange(5.0), np.full(5, np.nan)], axis=1)
    with pytest.raises(DataError, match="variate 'b' has no value"):
        fit_scaler([rows], variates=["a", "b"], source="set", constant="centre")


def test_centring_a_constant_warns_and_keeps_later_changes() -> None:
    rows = np.stack([np.arange(5.0), np.full(5, 4.0)], axis=1)
    with pytest.warns(DataWarning, match="only centred: b"):
        scaler = fit_scaler([rows], variates=["a", "b"], source="set", constant="centre")
    np.testing.assert_allclose(scaler.transform(np.array([[2.0, 4.0], [2.0, 7.0]])), [[0, 0], [0, 3]])


def test_nothing_but_constants_is_refused_even_when_centring() -> None:
    with pytest.raises(DataError, match="constant"):
        fit_scaler([np.ones((5, 1))], variates=["a"], source="set", constant="centre")
