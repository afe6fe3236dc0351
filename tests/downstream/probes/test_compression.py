"""Ridge in few directions equals ridge in all of them."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import Ridge

from downstream.probes.compression import Compression
from downstream.probes.ridge import RidgePath

ALPHA = 0.1


def _wide(n: int, *, rank: int, width: int, rng_seed: int) -> torch.Tensor:
    latent = np.random.default_rng(rng_seed).normal(size=(n, rank))
    widening = np.random.default_rng(7).normal(size=(rank, width))
    return torch.as_tensor((latent @ widening + 3).astype(np.float32))


def test_predictions_are_those_of_ridge_in_all_directions() -> None:
    x, new = _wide(700, rank=5, width=40, rng_seed=0), _wide(600, rank=5, width=40, rng_seed=1)
    y = torch.as_tensor(np.random.default_rng(2).normal(size=(700, 3)))
    compression = Compression.of(x, [new], least_alpha=ALPHA)
    assert compression.basis.shape == (40, 5)
    for rows in (700, 90):  # fits on some of the rows too
        fitted = RidgePath.from_rows(compression.apply(x[:rows]), y[:rows]).predict(compression.apply(new), alpha=ALPHA)
        expected = Ridge(alpha=ALPHA).fit(x[:rows].double().numpy(), y[:rows].numpy()).predict(new.double().numpy())
        np.testing.assert_allclose(fitted, expected, atol=2e-6)


def test_a_weak_direction_stays_where_it_shows() -> None:
    rng = np.random.default_rng(0)
    x = torch.as_tensor(rng.normal(size=(300, 3)) * [1.0, 1.0, 1e-6])
    new = torch.as_tensor(rng.normal(size=(50, 3)))
    assert Compression.of(x, [x], least_alpha=ALPHA).basis.shape == (3, 2)
    assert Compression.of(x, [x, new], least_alpha=ALPHA).basis.shape == (3, 3)
    assert Compression.of(torch.ones(9, 3), [], least_alpha=ALPHA).basis.shape == (3, 0)
