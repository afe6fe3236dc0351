"""Sums by Fourier transforms against sums over rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from downstream.forecasting.ts2vec.lagged_sums import lagged_moments
from downstream.probes.ridge import Moments


@pytest.mark.parametrize(("n_values", "n_targets", "lags"), [(300, 2, 1), (5000, 3, 24), (3000, 9, 1100), (40, 1, 30)])
def test_equal_to_sums_over_rows(n_values: int, n_targets: int, lags: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(loc=2.0, size=(n_values, n_targets))
    first = rng.permutation(n_values - lags + 1)[: (n_values - lags) // 2]
    reached = np.zeros(n_values, dtype=bool)
    reached[(first[:, None] + np.arange(lags)).ravel()] = True
    values[~reached] = np.nan
    x = torch.as_tensor(rng.normal(size=(len(first), 4)))
    y = torch.as_tensor(np.stack([values[row : row + lags].ravel() for row in first]))
    expected = Moments.of(x[None], y[None])
    found = lagged_moments(x, torch.as_tensor(first), torch.as_tensor(values), lags=lags)
    for name in ("count", "weight", "x", "y", "xx", "xy", "yy"):
        there, here = getattr(expected, name), getattr(found, name)
        assert here.shape == there.shape, name
        np.testing.assert_allclose(here, there, rtol=1e-11, atol=1e-9, err_msg=name)
