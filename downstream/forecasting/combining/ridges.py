"""One ridge of a combination, fitted from sums for a band of steps ahead."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from downstream.forecasting.combining.linear import Linear
from downstream.forecasting.combining.members import RidgeMember
from downstream.probes.ridge import AlphaChoice, Moments, RidgePath, choose


def fit_ridge(
    member: RidgeMember,
    train: Sequence[Moments],
    validation: Sequence[Moments],
    *,
    n_lags: int,
    ends: int,
    rotated: bool = False,
) -> tuple[Linear, tuple[AlphaChoice, ...]]:
    """Fit all penalties by one decomposition per model, and take the best on validation.

    Args:
        member: What to fit.
        train: Sums of training rows of each model; their features are lags and, perhaps, the representation.
        validation: Sums of validation rows, likewise.
        n_lags: How many of the features are lags.
        ends: The column of a row behind the last lag.
        rotated: Whether the representation is in directions whose variances say how much they matter.
    """
    width = train[0].x.shape[1] - n_lags if member.sees_representation else 0
    columns = torch.arange(n_lags - member.lookback, n_lags + width)
    moved = torch.zeros(len(columns), dtype=torch.float64)
    moved[: member.lookback] = 1.0
    level = torch.zeros(train[0].x.shape[1], dtype=torch.float64)
    level[n_lags - member.offset : n_lags] = 1.0 / member.offset
    fitted, choices = [], []
    for fit_on, choose_on in zip(train, validation, strict=True):
        rows, judged = (each.from_level(level, columns=columns, moved=moved) for each in (fit_on, choose_on))
        scale = rows.feature_scale()
        scale[: None if rotated else member.lookback] = 1.0  # lags share one unit already
        path = RidgePath.from_moments(rows, scale=scale)
        choices.append(choose(path.errors(judged)))
        fitted.append(path.weights(choices[-1].alpha))
    weights, intercept = (torch.stack(parts) for parts in zip(*fitted, strict=True))
    return _of_rows(weights, intercept, member, ends=ends), tuple(choices)


def _of_rows(weights: Tensor, intercept: Tensor, member: RidgeMember, *, ends: int) -> Linear:
    """Return the map of a row as it is, from that of what the ridge sees; (models, features, steps)."""
    reach = max(member.lookback, member.offset)
    whole = weights.new_zeros(len(weights), reach + weights.shape[1] - member.lookback, weights.shape[2])
    whole[:, reach - member.lookback :] = weights
    # The forecast counts from the level, and so do the lags.
    lags = weights[:, : member.lookback].sum(1)
    whole[:, reach - member.offset : reach] += ((1.0 - lags) / member.offset)[:, None]
    return Linear(ends - reach, whole.float(), intercept.float())
