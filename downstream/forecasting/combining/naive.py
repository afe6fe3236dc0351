"""Forecasts without a fit, as linear maps of the lags."""

import torch

from downstream.forecasting.combining.linear import Linear


def naive_members(*, n_lags: int, period: int, steps: int) -> dict[str, Linear]:
    """Return the last value repeated, the last period repeated, and the straight line through both ends of the lags.

    Args:
        n_lags: Columns of a row that are lags.
        period: Steps of a season; 1 for none.
        steps: Steps ahead.
    """
    ahead = torch.arange(1, steps + 1, dtype=torch.float32)
    last = torch.zeros(n_lags, steps)
    last[-1] = 1.0
    maps = {"repeat last": last}
    if 1 < period <= n_lags:
        season = torch.zeros(n_lags, steps)
        season[n_lags - period + torch.arange(steps) % period, torch.arange(steps)] = 1.0
        maps["seasonal naive"] = season
    if n_lags > 1:
        drift = last.clone()
        drift[-1] += ahead / (n_lags - 1)
        drift[0] -= ahead / (n_lags - 1)
        maps["drift"] = drift
    return {name: Linear(0, weights[None], torch.zeros(1, steps)) for name, weights in maps.items()}
