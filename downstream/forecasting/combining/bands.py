"""The members of some steps ahead, and how their errors go together on validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from downstream.forecasting.combining.linear import Linear, weighted
from downstream.forecasting.combining.members import RidgeMember, naive_members
from downstream.forecasting.combining.plan import Plan
from downstream.forecasting.combining.ridges import RidgeFit
from downstream.forecasting.combining.sums import MemberSums
from downstream.forecasting.combining.weights import combination_weights
from downstream.forecasting.rows import RowBlock
from downstream.probes.ridge import Moments

Sums = Mapping[bool, MemberSums]
"""Sums of raw lags alone, and of rows that hold a representation too."""
_ROWS_AT_A_TIME = 2048


@dataclass(frozen=True)
class Band:
    """The members of some steps ahead.

    Args:
        steps: Which steps.
        index: The number of the horizon that ends them.
        members: By name.
        on_edge: Names of ridges whose penalty lies on the edge of its grid.
        prior: Weights before validation, by name.
        products: Sums of products of the members' errors on the two halves of validation, (2, members, members).
        n_errors: How many errors each half sums, (2,).
        n_independent: Origins of validation that do not overlap.
    """

    steps: slice
    index: int
    members: dict[str, Linear]
    on_edge: tuple[str, ...]
    prior: Mapping[str, float]
    products: NDArray[np.float64]
    n_errors: NDArray[np.float64]
    n_independent: float

    def weights(self, names: Sequence[str], *, half: int | None = None) -> dict[str, float]:
        """Return the weights of some members that count, by all of validation or by one half of it."""
        halves = slice(None) if half is None or self.n_errors[half] == 0 else slice(half, half + 1)
        places = [list(self.members).index(name) for name in names]
        mean = self.products[halves].sum(0) / max(self.n_errors[halves].sum(), 1.0)
        origins = self.n_independent if half is None else self.n_independent / 2
        prior = np.asarray([self.prior.get(name, 0.0) for name in names])
        found = combination_weights(mean[np.ix_(places, places)], prior, n_independent=origins)
        return {name: float(weight) for name, weight in zip(names, found, strict=True) if weight > 0.0}

    def combined(self, weights: Mapping[str, float]) -> tuple[Linear, ...]:
        """Return a weighted sum of members."""
        return weighted([(self.members[name], weight) for name, weight in weights.items()])

    def add(self, x: Tensor, y: Tensor, halves: Sequence[Tensor]) -> None:
        """Add the products of errors on some rows; which of them are in each half, (variates, n)."""
        errors = torch.stack([linear.predict(x) - y for linear in self.members.values()])
        for half, rows in enumerate(halves):
            chosen = errors[:, rows].flatten(1)  # (members, rows * steps)
            self.products[half] += (chosen @ chosen.T).double().numpy()
            self.n_errors[half] += chosen.shape[1]


def fit_bands(
    plan: Plan, train: Sums, validation: Sums, *, n_independent: Sequence[float], rotated: bool
) -> list[Band]:
    """Fit the members of every band.

    Args:
        plan: Which members.
        train: Sums of training rows.
        validation: Sums of validation rows; penalties are chosen on them.
        n_independent: Origins of validation that do not overlap, for each band.
        rotated: See `RidgeFit`.
    """
    prior = {str(ridge): 1.0 for ridge in plan.ridges if ridge.counts_before(plan.reference)}
    naive = naive_members(n_lags=plan.n_lags, period=plan.period, steps=plan.horizons[-1])
    bands = []
    for index, (first, end) in enumerate(zip((0, *plan.horizons[:-1]), plan.horizons, strict=True)):
        steps = slice(first, end)
        members = {name: linear.steps(steps) for name, linear in naive.items()}
        on_edge: list[str] = []
        for ridge in plan.ridges:
            fit_on, choose_on = (_models(sums, plan, ridge, index) for sums in (train, validation))
            if not fit_on or not choose_on:
                continue
            apart, how = plan.apart_of(ridge), RidgeFit(ridge, plan.lags_of(ridge), plan.n_lags, rotated)
            linear, alphas = how.choose(fit_on, choose_on)
            members[str(ridge)] = linear if apart is None else linear.of_variates(apart.models(ridge.sharing))
            on_edge += [str(ridge)] * any(alpha.on_edge for alpha in alphas)
        zeros = np.zeros((2, len(members), len(members)))
        bands.append(Band(steps, index, members, tuple(on_edge), prior, zeros, np.zeros(2), n_independent[index]))
    return bands


def _models(sums: Sums, plan: Plan, ridge: RidgeMember, index: int) -> list[Moments]:
    """Return the sums of each model of a ridge; none where a model has no rows of its own."""
    apart, own = plan.apart_of(ridge), sums[ridge.sees_representation]
    moments = own.whole[index] if apart is None else own.apart[index]
    if moments is None:
        return []
    models = [moments] if apart is None else apart.of_models(moments, ridge.sharing)
    return models if all(float(each.count) > 1 for each in models) else []


def parts(
    bands: Sequence[Band], block: RowBlock, middles: NDArray[np.int64]
) -> Iterator[tuple[slice, Band, Tensor, Tensor, tuple[Tensor, Tensor]]]:
    """Yield some origins at a time: which, a band, their rows, their targets of the band, and the rows of each half.

    Rows count where every target of the band is observed; masks are (variates, n).
    """
    joined, targets = block.joined(), block.steps_ahead()
    some = max(1, _ROWS_AT_A_TIME // len(joined))
    for first in range(0, joined.shape[1], some):
        chosen = slice(first, first + some)
        steps, series = block.origins.step[chosen], block.origins.series[chosen]
        for band in bands:
            served = torch.as_tensor((block.reach[chosen] >= band.index).T)
            late = torch.as_tensor(steps >= middles[band.index][series])
            yield chosen, band, joined[:, chosen], targets[:, chosen, band.steps], (served & ~late, served & late)
