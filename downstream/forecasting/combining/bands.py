"""The members of some steps ahead, and how their errors go together in three periods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

PERIODS = 3
"""The two halves of validation, and late training rows."""
LATE = 2
_ROWS_AT_A_TIME = 2048


@dataclass(frozen=True)
class Band:
    """The members of some steps ahead.

    Args:
        steps: Which steps.
        index: The number of the horizon that ends them.
        members: By name, fitted to all training rows.
        early: The same ones fitted to the early training rows; empty where those do not suffice for all.
        on_edge: Names of ridges whose penalty lies on the edge of its grid.
        prior: Weights before validation, by name.
        products: Sums of products of the members' errors in each period, (3, members, members).
        n_errors: How many errors each period sums, (3,).
        n_independent: Origins of each period that do not overlap, (3,).
    """

    steps: slice
    index: int
    members: dict[str, Linear]
    early: dict[str, Linear]
    on_edge: tuple[str, ...]
    prior: Mapping[str, float]
    products: NDArray[np.float64]
    n_errors: NDArray[np.float64]
    n_independent: NDArray[np.float64]

    def weights(self, names: Sequence[str], *, without: int | None = None) -> dict[str, float]:
        """Return the weights of some members that count, by all periods or without one half of validation."""
        periods = [period for period in range(PERIODS) if period != without and self.n_errors[period]]
        places = [list(self.members).index(name) for name in names]
        origins = self.n_independent[periods]
        prior = np.asarray([self.prior.get(name, 0.0) for name in names])
        # A period counts by its origins, however many of its rows were read.
        means = [self.products[period] / self.n_errors[period] for period in periods]
        mean = np.average(means, axis=0, weights=origins) if periods else np.full((len(prior),) * 2, np.nan)
        found = combination_weights(mean[np.ix_(places, places)], prior, n_independent=float(origins.sum()))
        return {name: float(weight) for name, weight in zip(names, found, strict=True) if weight > 0.0}

    def combined(self, weights: Mapping[str, float]) -> tuple[Linear, ...]:
        """Return a weighted sum of members."""
        return weighted([(self.members[name], weight) for name, weight in weights.items()])

    def add(self, members: Mapping[str, Linear], x: Tensor, y: Tensor, periods: Sequence[tuple[int, Tensor]]) -> None:
        """Add the products of errors on some rows; a period and which of the rows are in it, (variates, n), each."""
        errors = torch.stack([members[name].predict(x) - y for name in self.members])
        for period, rows in periods:
            chosen = errors[:, rows].flatten(1)  # (members, rows * steps)
            self.products[period] += (chosen @ chosen.T).double().numpy()
            self.n_errors[period] += chosen.shape[1]


def fit_bands(
    plan: Plan,
    train: MemberSums,
    early: MemberSums,
    validation: MemberSums,
    *,
    n_independent: NDArray[np.float64],
    rotated: bool,
) -> list[Band]:
    """Fit the members of every band.

    Args:
        plan: Which members.
        train: Sums of all training rows.
        early: Sums of early ones, for errors on late ones.
        validation: Sums of validation rows; penalties are chosen on them.
        n_independent: Origins that do not overlap, (bands, 3).
        rotated: See `RidgeFit`.
    """
    prior = {str(ridge): 1.0 for ridge in plan.ridges if ridge.counts_before(plan.reference)}
    naive = naive_members(n_lags=plan.n_lags, period=plan.period, steps=plan.horizons[-1])
    bands = []
    for index, (first, end) in enumerate(zip((0, *plan.horizons[:-1]), plan.horizons, strict=True)):
        steps = slice(first, end)
        members = {name: linear.steps(steps) for name, linear in naive.items()}
        early_members, on_edge = dict(members), []
        for ridge in plan.ridges:
            fit_on, choose_on, before = (_models(sums, plan, ridge, index) for sums in (train, validation, early))
            if not fit_on or not choose_on:
                continue
            shared = ridge.sharing == "shared" or plan.apart is None
            n_lags = plan.n_lags if shared or plan.apart is None else plan.apart.lags
            how = RidgeFit(ridge, n_lags, plan.n_lags, rotated)
            linear, alphas = how.choose(fit_on, choose_on)
            members[str(ridge)] = _of_variates(linear, plan, ridge)
            if before:
                early_members[str(ridge)] = _of_variates(how.fit(before, alphas), plan, ridge)
            on_edge += [str(ridge)] * any(alpha.on_edge for alpha in alphas)
        if early_members.keys() != members.keys():
            early_members = {}
        zeros = np.zeros((PERIODS, len(members), len(members)))
        bands.append(
            Band(
                steps,
                index,
                members,
                early_members,
                tuple(on_edge),
                prior,
                zeros,
                np.zeros(PERIODS),
                n_independent[index],
            )
        )
    return bands


def _models(sums: MemberSums, plan: Plan, ridge: RidgeMember, index: int) -> list[Moments]:
    """Return the sums of each model of a ridge; none where a model has no rows of its own."""
    shared = ridge.sharing == "shared" or plan.apart is None
    moments = sums.whole[index] if shared else sums.apart[index]
    if moments is None:
        return []
    models = [moments] if shared or plan.apart is None else plan.apart.of_models(moments, ridge.sharing)
    return models if all(float(each.count) > 1 for each in models) else []


def _of_variates(linear: Linear, plan: Plan, ridge: RidgeMember) -> Linear:
    if ridge.sharing == "shared" or plan.apart is None:
        return linear
    return linear.of_variates(plan.apart.models(ridge.sharing))


def add_validation(bands: Sequence[Band], blocks: Iterable[RowBlock], middles: NDArray[np.int64]) -> None:
    """Add the errors on validation rows; `middles` are the first origins of its second half, (bands, series)."""
    for block in blocks:
        for _, band, x, y, halves in parts(bands, block, middles):
            band.add(band.members, x, y, list(enumerate(halves)))


def add_late(bands: Sequence[Band], blocks: Iterable[RowBlock]) -> None:
    """Add the errors on late training rows of members that were fitted to early ones."""
    known = [band for band in bands if band.early]
    for block in blocks:
        nothing_later = np.full((len(bands), int(block.origins.series.max()) + 1), np.iinfo(np.int64).max)
        for _, band, x, y, (rows, _) in parts(known, block, nothing_later):
            band.add(band.early, x, y, [(LATE, rows)])


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
