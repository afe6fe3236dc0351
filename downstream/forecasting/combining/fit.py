"""The forecaster that is handed over: every plain forecast of a task and those on the representation, combined.

Ridges are fitted on training rows; their penalties, and the weights of all, come from validation rows. Forecasts are
made in bands: the steps between one horizon and the next have penalties and weights of their own, so a long forecast
begins as a short one. Choosing one member on validation is worse than taking them all alike, so nothing is chosen: see
`weights`. (Late training rows, forecast by what was fitted to earlier ones, were tried as more evidence: better on half
of eight sets by up to 2 %, worse on the other half by up to 6 %.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.forecasting.combining.bands import Band, fit_bands, parts
from downstream.forecasting.combining.combination import Combination, forecasts
from downstream.forecasting.combining.intervals import Intervals
from downstream.forecasting.combining.linear import in_bands
from downstream.forecasting.combining.plan import Plan, plan_members
from downstream.forecasting.combining.reduced import MOST_FEATURES, MOST_ROWS, Directions
from downstream.forecasting.combining.sums import MemberSums, sum_members
from downstream.forecasting.kept import kept
from downstream.forecasting.rows import RowBlock, fill_gaps, pick_origins, row_blocks, usable_horizons
from downstream.forecasting.task import ForecastingTask, Origins
from downstream.represent import Represent, represented

MAX_TRAIN_ROWS = 80_000
MAX_REPRESENTED_ROWS = 20_000
"""Fewer, as an encoder may take long for them. (Of raw lags, 20,000 rows gave 1 % more error than 40,000.)"""
MAX_JUDGED_ROWS = 8_000


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
    validation = pick_origins(task, "validation", horizon=horizons[0], max_rows=MAX_JUDGED_ROWS)
    directions = None if represent is None else _directions(task, represent, horizon=horizons[0])
    seen = represent if represent is None or directions is None else directions.seen_by(represent)
    one = Origins(*(column[:1] for column in validation))
    z = None if seen is None else represented(seen, task.windows_at(one))
    streams, width = (0, 0) if z is None else z.shape[1:]
    plan = plan_members(task, horizons, streams=streams, width=width)
    task = replace(task, spec=replace(task.spec, raw_lags=plan.n_lags))

    def training(most: int, encoder: Represent | None) -> Iterator[RowBlock]:
        # The first rows have fewer lags than the longest lookback; what they lack is filled.
        origins = pick_origins(task, "train", horizon=horizons[0], max_rows=most, complete_lags=plan.reference)
        return row_blocks(task, "train", origins, horizons=horizons, represent=encoder)

    def sums(rows: Iterable[RowBlock], *, representation: bool) -> MemberSums:
        if representation:
            return sum_members(rows, horizons=horizons, lags=plan.reference, apart=plan.represented_apart)
        return sum_members(rows, horizons=horizons, lags=plan.n_lags, apart=plan.apart, representation=False)

    train = {False: sums(training(MAX_TRAIN_ROWS, None), representation=False)}
    if seen is not None:
        train[True] = sums(training(MAX_REPRESENTED_ROWS, seen), representation=True)
    with kept(row_blocks(task, "validation", validation, horizons=horizons, represent=seen)) as judged:
        bands = fit_bands(
            plan,
            train,
            {representation: sums(judged, representation=representation) for representation in train},
            n_independent=[effective_series(task) * _validation_rows(task) / horizon for horizon in horizons],
            rotated=directions is not None,
        )
        middles = _middles(task, horizons)
        for block in judged:
            for _, band, x, y, halves in parts(bands, block, middles):
                band.add(x, y, halves)
        names = list(dict.fromkeys(name for band in bands for name in band.members))
        alone = [str(ridge) for ridge in plan.ridges if ridge.inputs == "representation"]
        whole = all(any(name in band.members for name in alone) for band in bands)
        subsets = [names, alone] if representation_only and whole else [names]
        found = [_combination(plan, bands, subset, judged, middles) for subset in subsets]
    return tuple(replace(each, directions=directions) for each in found)


def effective_series(task: ForecastingTask) -> float:
    """Return how many unrelated series tell as much as those of a panel, which go up and down together.

    That is the mean variance of the series over the variance of their mean (the design effect of cluster samples, Kish
    1965), over as many last training rows as all have, whenever these were.
    """
    n_rows = min(end for end, _ in task.bounds)
    rows = [
        values[end - n_rows : end, : task.n_targets] for values, (end, _) in zip(task.series, task.bounds, strict=True)
    ]
    filled = np.stack([fill_gaps(each[None])[0][0] for each in rows]).astype(np.float64)  # (series, rows, targets)
    together = float(filled.mean(axis=0).var(axis=0).mean())
    apart = float(filled.var(axis=1).mean())
    return float(np.clip(apart / together, 1.0, len(rows))) if together > 0.0 else float(len(rows))


def _validation_rows(task: ForecastingTask) -> float:
    return float(np.mean([end - first for first, end in task.bounds]))


def _directions(task: ForecastingTask, represent: Represent, *, horizon: int) -> Directions | None:
    """Return the main directions of representations of training windows that are too wide as they are."""
    origins = pick_origins(task, "train", horizon=horizon, max_rows=MAX_REPRESENTED_ROWS, max_origins=MOST_ROWS)
    one = represented(represent, task.windows_at(Origins(*(column[:1] for column in origins))))
    return Directions.of(represented(represent, task.windows_at(origins))) if one.shape[2] > MOST_FEATURES else None


def _middles(task: ForecastingTask, horizons: Sequence[int]) -> NDArray[np.int64]:
    """Return the first origin of the second half of validation, by horizon and series."""
    ends = np.asarray(task.bounds, dtype=np.int64)
    return np.stack([(ends[:, 0] + ends[:, 1] - horizon) // 2 for horizon in horizons])


def _combination(
    plan: Plan, bands: Sequence[Band], names: Sequence[str], blocks: Iterable[RowBlock], middles: NDArray[np.int64]
) -> Combination:
    """Combine some members: weights by all of validation, intervals by errors of each half under those of the other."""
    known = [[name for name in names if name in band.members] for band in bands]
    weights = [band.weights(own) for band, own in zip(bands, known, strict=True)]
    by_other_half = [
        [band.combined(band.weights(own, half=1 - half)) for half in (0, 1)]
        for band, own in zip(bands, known, strict=True)
    ]
    errors = []
    for block in blocks:
        found = torch.full_like(block.steps_ahead(), torch.nan)
        for chosen, band, x, y, halves in parts(bands, block, middles):
            own = found[:, chosen, band.steps]
            for maps, rows in zip(by_other_half[band.index], halves, strict=True):
                own[rows] = (y - forecasts(maps, x))[rows]
        errors.append(found.permute(1, 2, 0))
    missed = torch.cat(errors)
    return Combination(
        horizons=plan.horizons,
        n_lags=plan.n_lags,
        maps=in_bands([band.combined(own) for band, own in zip(bands, weights, strict=True)]),
        weights=tuple(weights),
        intervals=Intervals.of(missed),
        left_out=plan.left_out,
        on_edge=tuple(band.on_edge for band in bands),
        validation_mse=float(np.mean([missed[:, :end].square().nanmean().item() for end in plan.horizons])),
    )
