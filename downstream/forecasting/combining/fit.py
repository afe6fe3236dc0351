"""The forecaster that is handed over: every plain forecast of a task and those on the representation, combined.

Ridges are fitted on training rows; their penalties come from validation rows. So do the weights, and from the last
third of the training rows, forecast by what was fitted to those before: one period is one season, in which some
forecasts are better by luck. Forecasts are made in bands: the steps between one horizon and the next have penalties and
weights of their own, so a long forecast begins as a short one. Choosing one member on validation is worse than taking
them all alike, so nothing is chosen: see `weights`. (The encoder has seen the late training rows, though never as
targets; it has not seen validation rows.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.forecasting.combining.bands import Band, add_late, add_validation, fit_bands, parts
from downstream.forecasting.combining.combination import Combination, forecasts
from downstream.forecasting.combining.intervals import Intervals
from downstream.forecasting.combining.linear import in_bands
from downstream.forecasting.combining.plan import Plan, plan_members
from downstream.forecasting.combining.reduced import MOST_FEATURES, MOST_ROWS, Directions
from downstream.forecasting.combining.sums import sum_members
from downstream.forecasting.kept import kept
from downstream.forecasting.rows import RowBlock, pick_origins, row_blocks, usable_horizons
from downstream.forecasting.task import ForecastingTask, Origins, Part
from downstream.represent import Represent, represented

MAX_TRAIN_ROWS = 40_000
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

    def blocks(part: Part, origins: Origins) -> Iterator[RowBlock]:
        return row_blocks(task, part, origins, horizons=horizons, represent=seen)

    # The first rows have fewer lags than the longest lookback; what they lack is filled.
    origins = pick_origins(task, "train", horizon=horizons[0], max_rows=MAX_TRAIN_ROWS, complete_lags=plan.reference)
    before, between, late = _in_time(task, origins, longest=horizons[-1])
    early = sum_members(blocks("train", before), horizons=horizons, apart=plan.apart)
    with kept(blocks("validation", validation)) as judged, kept(blocks("train", late)) as late_blocks:
        bands = fit_bands(
            plan,
            early + sum_members([*late_blocks, *blocks("train", between)], horizons=horizons, apart=plan.apart),
            early,
            sum_members(judged, horizons=horizons, apart=plan.apart),
            n_independent=_independent(task, horizons),
            rotated=directions is not None,
        )
        middles = _middles(task, horizons)
        add_validation(bands, judged, middles)
        add_late(bands, late_blocks)
        names = list(dict.fromkeys(name for band in bands for name in band.members))
        alone = [str(ridge) for ridge in plan.ridges if ridge.inputs == "representation"]
        subsets = [names, alone] if representation_only and alone else [names]
        found = [_combination(plan, bands, subset, judged, middles) for subset in subsets]
    return tuple(replace(each, directions=directions) for each in found)


def _directions(task: ForecastingTask, represent: Represent, *, horizon: int) -> Directions | None:
    """Return the main directions of representations of training windows that are too wide as they are."""
    origins = pick_origins(task, "train", horizon=horizon, max_rows=MAX_TRAIN_ROWS, max_origins=MOST_ROWS)
    one = represented(represent, task.windows_at(Origins(*(column[:1] for column in origins))))
    return Directions.of(represented(represent, task.windows_at(origins))) if one.shape[2] > MOST_FEATURES else None


def _in_time(task: ForecastingTask, origins: Origins, *, longest: int) -> tuple[Origins, Origins, Origins]:
    """Return the training origins whose targets end before the last third, the last third, thinned, and all others."""
    step, border = origins.step, _borders(task)[origins.series]
    early, late = step + longest < border, step >= border
    places = np.flatnonzero(late)
    judged = places[:: max(1, -(-len(places) * task.n_targets // MAX_JUDGED_ROWS))]
    others = ~early
    others[judged] = False
    chosen = (np.flatnonzero(early), np.flatnonzero(others), judged)
    first, second, third = (Origins(origins.series[rows], step[rows]) for rows in chosen)
    return first, second, third


def _borders(task: ForecastingTask) -> NDArray[np.int64]:
    """Return where the last third of the training rows begins, by series."""
    return np.asarray([2 * end // 3 for end, _ in task.bounds], dtype=np.int64)


def _independent(task: ForecastingTask, horizons: Sequence[int]) -> NDArray[np.float64]:
    """Return how many origins of each period do not overlap, (bands, 3)."""
    ends = np.asarray(task.bounds, dtype=np.float64)
    validation, late = (ends[:, 1] - ends[:, 0]).sum(), (ends[:, 0] - _borders(task)).sum()
    return np.asarray([[validation / 2 / horizon, validation / 2 / horizon, late / horizon] for horizon in horizons])


def _middles(task: ForecastingTask, horizons: Sequence[int]) -> NDArray[np.int64]:
    """Return the first origin of the second half of validation, by horizon and series."""
    ends = np.asarray(task.bounds, dtype=np.int64)
    return np.stack([(ends[:, 0] + ends[:, 1] - horizon) // 2 for horizon in horizons])


def _combination(
    plan: Plan, bands: Sequence[Band], names: Sequence[str], blocks: Iterable[RowBlock], middles: NDArray[np.int64]
) -> Combination:
    """Combine some members: weights by all periods, intervals by errors of each half under weights without it."""
    known = [[name for name in names if name in band.members] for band in bands]
    weights = [band.weights(own) for band, own in zip(bands, known, strict=True)]
    without = [
        [band.combined(band.weights(own, without=half)) for half in (0, 1)]
        for band, own in zip(bands, known, strict=True)
    ]
    errors = []
    for block in blocks:
        found = torch.full_like(block.steps_ahead(), torch.nan)
        for chosen, band, x, y, halves in parts(bands, block, middles):
            own = found[:, chosen, band.steps]
            for maps, rows in zip(without[band.index], halves, strict=True):
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
