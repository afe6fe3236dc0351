"""One ridge of a combination, fitted from sums for a band of steps ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from downstream.forecasting.combining.linear import Linear
from downstream.forecasting.combining.members import RidgeMember
from downstream.probes.ridge import AlphaChoice, Moments, RidgePath, choose


@dataclass(frozen=True)
class RidgeFit:
    """How one ridge is fitted from sums of rows.

    Args:
        member: What to fit.
        n_lags: How many of the summed features are lags; the representation is behind them.
        ends: The column of a row behind the last lag.
        rotated: Whether the representation is in directions whose variances say how much they matter.
    """

    member: RidgeMember
    n_lags: int
    ends: int
    rotated: bool = False

    def choose(self, train: Sequence[Moments], validation: Sequence[Moments]) -> tuple[Linear, tuple[AlphaChoice, ...]]:
        """Fit all penalties of each model by one decomposition, and take the best on validation rows."""
        paths = [self._path(rows) for rows in train]
        choices = [choose(path.errors(self._seen(rows))) for path, rows in zip(paths, validation, strict=True)]
        fitted = [path.weights(choice.alpha) for path, choice in zip(paths, choices, strict=True)]
        weights, intercept = (torch.stack(parts) for parts in zip(*fitted, strict=True))
        return _of_rows(weights, intercept, self.member, ends=self.ends), tuple(choices)

    def _path(self, train: Moments) -> RidgePath:
        rows = self._seen(train)
        scale = rows.feature_scale()
        scale[: None if self.rotated else self.member.lookback] = 1.0  # lags share one unit already
        return RidgePath.from_moments(rows, scale=scale)

    def _seen(self, moments: Moments) -> Moments:
        """Return the sums of what the ridge sees: its columns and its targets, from its level."""
        member, width = self.member, moments.x.shape[1]
        columns = torch.arange(self.n_lags - member.lookback, width if member.sees_representation else self.n_lags)
        moved = torch.zeros(len(columns), dtype=torch.float64)
        moved[: member.lookback] = 1.0
        level = torch.zeros(width, dtype=torch.float64)
        level[self.n_lags - member.offset : self.n_lags] = 1.0 / member.offset
        return moments.from_level(level, columns=columns, moved=moved)


def _of_rows(weights: Tensor, intercept: Tensor, member: RidgeMember, *, ends: int) -> Linear:
    """Return the map of a row as it is, from that of what the ridge sees; (models, features, steps)."""
    reach = max(member.lookback, member.offset)
    whole = weights.new_zeros(len(weights), reach + weights.shape[1] - member.lookback, weights.shape[2])
    whole[:, reach - member.lookback :] = weights
    # The forecast counts from the level, and so do the lags.
    lags = weights[:, : member.lookback].sum(1)
    whole[:, reach - member.offset : reach] += ((1.0 - lags) / member.offset)[:, None]
    return Linear(ends - reach, whole.float(), intercept.float())
