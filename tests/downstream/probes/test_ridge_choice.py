"""The chosen alpha against trying every alpha."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from downstream.probes import ridge_choice
from downstream.probes.ridge import TS2VEC_ALPHAS, Moments, RidgePath
from downstream.probes.ridge_choice import least_error_alpha, mae_with_slope

Rows = ridge_choice.Rows


def _problem(rng_seed: int, *, noise: float = 4.0) -> tuple[RidgePath, Tensor, Tensor, Rows]:
    """Return a fit, other rows whose errors have heavy tails, and those rows in blocks."""
    rng = np.random.default_rng(rng_seed)
    x = torch.as_tensor(rng.normal(loc=1.0, size=(150, 20)) * np.geomspace(0.03, 3, 20))
    y = x @ torch.as_tensor(rng.normal(size=(20, 4))) + torch.as_tensor(noise * rng.standard_t(2, size=(150, 4)))
    scale = x[:60].std(0)

    def blocks() -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.arange(60, 150).split(32):
            yield x[rows], y[rows]

    path = RidgePath.from_moments(Moments.of(x[None, :60], y[None, :60]), scale=scale)
    return path, x[60:], y[60:], blocks


def _mae(path: RidgePath, x: Tensor, y: Tensor, alpha: float) -> float:
    return float((path.predict(x, alpha=alpha) - y).abs().mean())


@pytest.mark.parametrize("noise", [0.05, 0.5, 4.0, 40.0])
def test_the_alpha_is_the_best_of_all(noise: float, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []

    def counted(path: RidgePath, rows: Rows, *, alpha: float) -> tuple[float, Tensor]:
        tried.append(alpha)
        return mae_with_slope(path, rows, alpha=alpha)

    monkeypatch.setattr(ridge_choice, "mae_with_slope", counted)
    for rng_seed in range(25):
        path, x, y, blocks = _problem(rng_seed, noise=noise)
        sums = Moments.of(x[None], y[None])
        mse = [float((path.predict(x, alpha=alpha) - y).square().mean()) for alpha in TS2VEC_ALPHAS]
        scores = [np.sqrt(e) + _mae(path, x, y, alpha) for e, alpha in zip(mse, TS2VEC_ALPHAS, strict=True)]
        chosen = least_error_alpha(path, sums, blocks, alphas=TS2VEC_ALPHAS)
        assert chosen == TS2VEC_ALPHAS[int(np.argmin(scores))]
    assert len(tried) < 25 * len(TS2VEC_ALPHAS) / 2


def test_of_equal_alphas_the_first() -> None:
    path, x, y, blocks = _problem(0)
    flat = RidgePath(
        path.mean, path.scale, path.intercept, path.basis, path.eigenvalues, torch.zeros_like(path.loadings)
    )
    assert least_error_alpha(flat, Moments.of(x[None], y[None]), blocks, alphas=(3.0, 0.5, 7.0)) == 3.0


def test_the_slope_is_that_of_the_mean_absolute_error() -> None:
    path, x, y, blocks = _problem(1)
    alpha, direction = 2.0, 4
    mae, slope = mae_with_slope(path, blocks, alpha=alpha)
    assert mae == pytest.approx(_mae(path, x, y, alpha), rel=1e-12)
    shift = 1e-7
    moved = path.loadings.clone()
    # loadings enter through loadings * shrinkage: this changes one shrinkage by `shift`
    moved[direction] *= 1 + shift * (path.eigenvalues[direction] + alpha)
    other = RidgePath(path.mean, path.scale, path.intercept, path.basis, path.eigenvalues, moved)
    assert (_mae(other, x, y, alpha) - mae) / shift == pytest.approx(float(slope[direction]), rel=1e-4)
