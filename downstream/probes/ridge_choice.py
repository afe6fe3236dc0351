"""The alpha with the least RMSE + MAE, without computing the predictions of every alpha.

Sums of products give the RMSE of every alpha. The MAE needs predictions, yet it is convex in them and they are linear
in the shrinkage `1 / (eigenvalue + alpha)`: the MAE of one alpha and its slope bound the MAE of all others from below.
Alphas that cannot win any more are never tried; mostly one or two are.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from downstream.probes.ridge import Moments, RidgePath

Rows = Callable[[], Iterator[tuple[Tensor, Tensor]]]
"""Yields features (n, d) and targets (n, m) block by block, float64; the targets may be overwritten."""

# Rounding must not rule out an alpha that is as good as the best.
_SLACK = 1e-12


def least_error_alpha(path: RidgePath, sums: Moments, rows: Rows, *, alphas: Sequence[float]) -> float:
    """Return the alpha with the least RMSE + MAE on other rows; of equals, the first.

    Args:
        path: The fit.
        sums: Of the other rows, one group, unweighted.
        rows: The other rows themselves, again at each call.
        alphas: Penalties, > 0.
    """
    rmse = path.errors(sums, alphas).sqrt()
    shrink = 1 / (path.eigenvalues + torch.tensor(list(alphas)).to(path.eigenvalues)[:, None])
    scores = torch.full_like(rmse, torch.inf)
    bounds = rmse.clone()  # no MAE is negative
    index = int(rmse.argmin())
    while True:
        mae, slope = mae_with_slope(path, rows, alpha=alphas[index])
        scores[index] = rmse[index] + mae
        bounds = torch.maximum(bounds, rmse + mae + (shrink - shrink[index]) @ slope)
        waiting = torch.where(torch.isinf(scores), bounds, torch.inf)
        index = int(waiting.argmin())
        if not waiting[index] <= scores.min() * (1 + _SLACK):
            return float(alphas[int(scores.argmin())])


def mae_with_slope(path: RidgePath, rows: Rows, *, alpha: float) -> tuple[float, Tensor]:
    """Return the mean absolute error and a subgradient of it to the shrinkage of each direction, (r,)."""
    shrunk = path.loadings / (path.eigenvalues + alpha)[:, None]
    weights = torch.cat([shrunk, path.intercept[None]])
    signs = torch.zeros_like(weights)
    total, count = 0.0, 0
    for x, y in rows():
        projected = ((x - path.mean) / path.scale) @ path.basis
        projected = torch.cat([projected, projected.new_ones(len(x), 1)], dim=1)
        errors = y.addmm_(projected, weights, beta=-1)
        total += float(errors.abs().sum())
        count += errors.numel()
        signs.addmm_(projected.T, errors.sign_())
    return total / count, (signs[:-1] * path.loadings).sum(1) / count
