"""The forecaster that is handed over: every plain forecast of a task and those on the representation, combined.

Ridges are fitted on training rows; their penalties, and the weights of all, come from validation rows. Forecasts are
made in bands: the steps between one horizon and the next have penalties and weights of their own, so the first steps
of a long forecast are those of a short one. Choosing one member on validation is worse than taking them all alike
(validation is a season or two), so nothing is chosen: see `weights`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from downstream.forecasting.combining.combination import Combination, forecasts
from downstream.forecasting.combining.intervals import Intervals
from downstream.forecasting.combining.kept import kept
from downstream.forecasting.combining.linear import Linear, in_bands, weighted
from downstream.forecasting.combining.members import naive_members
from downstream.forecasting.combining.plan import Plan, plan_members
from downstream.forecasting.combining.reduced import MOST_FEATURES, MOST_ROWS, Directions
from downstream.forecasting.combining.ridges import fit_ridge
from downstream.forecasting.combining.sums import MemberSums, sum_members
from downstream.forecasting.combining.weights import combination_weights
from downstream.forecasting.rows import RowBlock, pick_origins, row_blocks, usable_horizons
from downstream.forecasting.task import ForecastingTask, Origins, Part
from downstream.represent import Represent, represented

MAX_ROWS: Mapping[Part, int] = {"train": 40_000, "validation": 8_000}
_ROWS_AT_A_TIME = 2048


@dataclass(frozen=True)
class _Band:
    """The members of some steps ahead.

    Args:
        steps: Which steps.
        index: The number of the horizon that ends them.
        members: By name.
        on_edge: Names of ridges whose penalty lies on the edge of its grid.
        prior: Weights before validation, by name.
        products: Sums of products of the members' errors on the two halves of validation, (2, members, members).
        n_errors: How many errors each half sums.
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


def fit(
    task: ForecastingTask, represent: Represent | None, *, representation_only: bool = False
) -> tuple[Combination, ...]:
    """Fit every member, and combine them; training and validation rows only.

    Args:
        task: The task; its test part is not touched.
        represent: The encoder; None combines the plain forecasts.
        representation_only: Combine the members that see nothing but the representation, too.

    Returns:
        The combination and, where it was asked for and there are such members, that of the representation alone.
    """
    horizons = usable_horizons(task)
    directions = None if represent is None else _directions(task, represent, horizon=horizons[0])
    represent = represent if represent is None or directions is None else directions.seen_by(represent)
    first = next(_blocks(task, "validation", horizons=horizons, represent=represent, most=1))
    streams, width = (0, 0) if first.z is None else first.z.shape[1:]
    plan = plan_members(task, horizons, streams=streams, width=width)
    task = replace(task, spec=replace(task.spec, raw_lags=plan.n_lags))
    # The first rows have fewer lags than the longest lookback; what they lack is filled.
    training = _blocks(task, "train", horizons=horizons, represent=represent, complete_lags=plan.reference)
    train = sum_members(training, horizons=horizons, apart=plan.apart)
    with kept(_blocks(task, "validation", horizons=horizons, represent=represent)) as blocks:
        judged = sum_members(blocks, horizons=horizons, apart=plan.apart)
        middles = _middles(task, horizons)
        bands = _bands(task, plan, train, judged, rotated=directions is not None)
        for block in blocks:
            _add_products(bands, block, middles)
        names = list(dict.fromkeys(name for band in bands for name in band.members))
        alone = [str(ridge) for ridge in plan.ridges if ridge.inputs == "representation"]
        subsets = [names, alone] if representation_only and alone else [names]
        found = [_combination(plan, bands, subset, blocks, middles) for subset in subsets]
        return tuple(replace(each, directions=directions) for each in found)


def _directions(task: ForecastingTask, represent: Represent, *, horizon: int) -> Directions | None:
    """Return the main directions of representations of training windows that are too wide as they are."""
    origins = pick_origins(task, "train", horizon=horizon, max_rows=MAX_ROWS["train"], max_origins=MOST_ROWS)
    one = represented(represent, task.windows_at(Origins(*(column[:1] for column in origins))))
    return Directions.of(represented(represent, task.windows_at(origins))) if one.shape[2] > MOST_FEATURES else None


def _blocks(
    task: ForecastingTask,
    part: Part,
    *,
    horizons: Sequence[int],
    represent: Represent | None,
    most: int | None = None,
    complete_lags: int | None = None,
) -> Iterator[RowBlock]:
    origins = pick_origins(
        task, part, horizon=horizons[0], max_rows=MAX_ROWS[part], max_origins=most, complete_lags=complete_lags
    )
    return row_blocks(task, part, origins, horizons=horizons, represent=represent)


def _middles(task: ForecastingTask, horizons: Sequence[int]) -> NDArray[np.int64]:
    """Return the first origin of the second half of validation, by horizon and series."""
    ends = np.asarray(task.bounds, dtype=np.int64)
    return np.stack([(ends[:, 0] + ends[:, 1] - horizon) // 2 for horizon in horizons])


def _bands(task: ForecastingTask, plan: Plan, train: MemberSums, judged: MemberSums, *, rotated: bool) -> list[_Band]:
    prior = {str(ridge): 1.0 for ridge in plan.ridges if ridge.counts_before(plan.reference)}
    naive = naive_members(n_lags=plan.n_lags, period=plan.period, steps=plan.horizons[-1])
    bands = []
    for index, (first, end) in enumerate(zip((0, *plan.horizons[:-1]), plan.horizons, strict=True)):
        steps = slice(first, end)
        members = {name: linear.steps(steps) for name, linear in naive.items()}
        on_edge = []
        for ridge in plan.ridges:
            pairs = []
            for sums in (train, judged):
                moments = sums.whole[index] if ridge.sharing == "shared" else sums.apart[index]
                if moments is not None and ridge.sharing != "shared" and plan.apart is not None:
                    pairs.append(plan.apart.of_models(moments, ridge.sharing))
                elif moments is not None:
                    pairs.append([moments])
            # Every model needs rows of its own.
            if len(pairs) < 2 or not all(float(each.count) > 1 for models in pairs for each in models):
                continue
            n_lags = _lags_of(ridge.sharing, plan)
            linear, alphas = fit_ridge(ridge, *pairs, n_lags=n_lags, ends=plan.n_lags, rotated=rotated)
            if ridge.sharing != "shared" and plan.apart is not None:
                linear = linear.of_variates(plan.apart.models(ridge.sharing))
            members[str(ridge)] = linear
            on_edge += [str(ridge)] * any(alpha.on_edge for alpha in alphas)
        n_independent = sum((stop - start) / end for start, stop in task.bounds)
        zeros = np.zeros((2, len(members), len(members)))
        bands.append(_Band(steps, index, members, tuple(on_edge), prior, zeros, np.zeros(2), n_independent))
    return bands


def _lags_of(sharing: str, plan: Plan) -> int:
    return plan.n_lags if sharing == "shared" or plan.apart is None else plan.apart.lags


def _add_products(bands: Sequence[_Band], block: RowBlock, middles: NDArray[np.int64]) -> None:
    for _, band, x, y, halves in _parts(bands, block, middles):
        errors = torch.stack([linear.predict(x) - y for linear in band.members.values()])
        for half, rows in enumerate(halves):
            chosen = errors[:, rows].flatten(1)  # (members, rows * steps)
            band.products[half] += (chosen @ chosen.T).double().numpy()
            band.n_errors[half] += chosen.shape[1]


def _parts(
    bands: Sequence[_Band], block: RowBlock, middles: NDArray[np.int64]
) -> Iterator[tuple[slice, _Band, Tensor, Tensor, tuple[Tensor, Tensor]]]:
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


def _combination(
    plan: Plan, bands: Sequence[_Band], names: Sequence[str], blocks: Iterable[RowBlock], middles: NDArray[np.int64]
) -> Combination:
    """Combine some members: weights by all of validation, intervals by errors of each half under those of the other."""
    known = [[name for name in names if name in band.members] for band in bands]
    weights = [band.weights(own) for band, own in zip(bands, known, strict=True)]
    by_other_half = {
        band.index: [band.combined(band.weights(own, half=1 - half)) for half in (0, 1)]
        for band, own in zip(bands, known, strict=True)
    }
    errors = []
    for block in blocks:
        found = torch.full_like(block.steps_ahead(), torch.nan)
        for chosen, band, x, y, halves in _parts(bands, block, middles):
            own = found[:, chosen, band.steps]
            for maps, rows in zip(by_other_half[band.index], halves, strict=True):
                own[rows] = (y - forecasts(maps, x))[rows]
        errors.append(found.permute(1, 2, 0))
    return Combination(
        horizons=plan.horizons,
        n_lags=plan.n_lags,
        maps=in_bands([band.combined(own) for band, own in zip(bands, weights, strict=True)]),
        weights=tuple(weights),
        intervals=Intervals.of(torch.cat(errors)),
        left_out=plan.left_out,
        on_edge=tuple(band.on_edge for band in bands),
    )
