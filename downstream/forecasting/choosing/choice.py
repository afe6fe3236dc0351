"""Which forecaster is tested: a rule that noise in validation cannot easily fool.

Per horizon the reference is the ridge on raw lags, shared over variates, targets and
lags minus the last value. Another setting counts only if its error is lower, at the
95 % level, in each of two periods: on validation, and on the last third of the training
rows when fitted on the first two thirds. One period alone is one level shift, which
some forecasters fit by luck. The level comes from a moving-block bootstrap over origins
with blocks as long as the horizon, and Student's t with one degree less than blocks: three
blocks prove little. The level holds for all settings of a horizon together (Bonferroni): with
five of them, one in four horizons would otherwise be replaced by luck. Of the settings that pass,
the one with the lowest validation error is combined with the reference (Bates and Granger 1969): the
forecast moves from the reference towards it by the weight that is best in squared error if the gain
is only what is sure at that level, in the period that allows less.

Alphas come from all validation rows, the fit from all training rows. (The encoder has
seen the late training rows, though never as targets; it has not seen validation rows.)
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from downstream.forecasting.choosing.evidence import Evidence, Gain, gain
from downstream.forecasting.choosing.kept import KeptBlocks, kept
from downstream.forecasting.models import REFERENCE, Combination, Forecaster, fit_horizon, refit
from downstream.forecasting.rows import NORMALIZATIONS, Features, RowBlock, pick_origins, row_blocks, usable_horizons
from downstream.forecasting.sums import RowSums, add_sums, sum_rows
from downstream.forecasting.task import ForecastingTask, Origins, Part
from downstream.represent import Represent

MAX_TRAIN_ROWS = 80_000
MAX_VALIDATION_ROWS = 40_000


@dataclass(frozen=True)
class Choice:
    """The forecaster chosen for one horizon, and what it was chosen against.

    Args:
        chosen: The forecaster that will be tested.
        reference: The plain one.
        best: The best forecaster on validation, per kind of features.
        evidence: Per setting that was considered, by its name.
    """

    chosen: Combination
    reference: Forecaster
    best: Mapping[Features, Forecaster]
    evidence: Mapping[str, Evidence]


@dataclass(frozen=True)
class _Rows:
    """Rows of both periods: sums to fit on, kept blocks to judge on."""

    train: RowSums
    early: RowSums
    late_blocks: KeptBlocks
    border: NDArray[np.int64]
    validation: RowSums
    validation_blocks: KeptBlocks


def fit(task: ForecastingTask, represent: Represent | None, *, rng_seed: int = 0) -> dict[int, Choice]:
    """Choose and fit a forecaster for every usable horizon, on training and validation rows only.

    Args:
        task: The task; its test part is not touched.
        represent: The encoder; None gives the best forecaster on raw lags.
        rng_seed: For the bootstrap.
    """
    horizons = usable_horizons(task)
    n_lags = task.spec.raw_lags
    choices = {}
    with _collected(task, represent, horizons=horizons) as rows:
        for index, horizon in enumerate(horizons):
            fitted = fit_horizon(rows.train, rows.validation, index=index, horizon=horizon, n_lags=n_lags)
            choices[horizon] = _choose(fitted, rows, index=index, n_lags=n_lags, rng_seed=rng_seed)
    return choices


def fit_reference(task: ForecastingTask) -> dict[int, Forecaster]:
    """Fit the reference alone, with alpha chosen on validation: the ridge on raw lags of every report."""
    horizons = usable_horizons(task)

    def sums(part: Part, *, max_rows: int) -> RowSums:
        """Sum thinned rows of a part, raw lags only."""
        origins = pick_origins(task, part, horizon=horizons[0], max_rows=max_rows)
        return sum_rows(
            row_blocks(task, part, origins, horizons=horizons, represent=None),
            horizons=horizons,
            normalizations=(REFERENCE.normalization,),
            for_validation=part == "validation",
        )

    train = sums("train", max_rows=MAX_TRAIN_ROWS)
    validation = sums("validation", max_rows=MAX_VALIDATION_ROWS)
    fitted = {}
    for index, horizon in enumerate(horizons):
        every = fit_horizon(train, validation, index=index, horizon=horizon, n_lags=task.spec.raw_lags)
        fitted[horizon] = next(forecaster for forecaster in every if forecaster.setting == REFERENCE)
    return fitted


@contextlib.contextmanager
def _collected(task: ForecastingTask, represent: Represent | None, *, horizons: tuple[int, ...]) -> Iterator[_Rows]:
    def blocks(part: Part, origins: Origins) -> Iterable[RowBlock]:
        return row_blocks(task, part, origins, horizons=horizons, represent=represent)

    def sums(some: Iterable[RowBlock], *, for_validation: bool = False) -> RowSums:
        return sum_rows(
            some, horizons=horizons, normalizations=NORMALIZATIONS, for_validation=for_validation, per_variate=True
        )

    border = np.asarray([2 * end // 3 for end, _ in task.bounds], dtype=np.int64)
    training = pick_origins(task, "train", horizon=horizons[0], max_rows=MAX_TRAIN_ROWS)
    late = training.step >= border[training.series]
    early = sums(blocks("train", Origins(training.series[~late], training.step[~late])))
    judged = pick_origins(task, "validation", horizon=horizons[0], max_rows=MAX_VALIDATION_ROWS)
    with (
        kept(blocks("train", Origins(training.series[late], training.step[late]))) as late_blocks,
        kept(blocks("validation", judged)) as validation_blocks,
    ):
        yield _Rows(
            train=add_sums(early, sums(late_blocks)),
            early=early,
            late_blocks=late_blocks,
            border=border,
            validation=sums(validation_blocks, for_validation=True),
            validation_blocks=validation_blocks,
        )


def _choose(fitted: Sequence[Forecaster], rows: _Rows, *, index: int, n_lags: int, rng_seed: int) -> Choice:
    reference = next(forecaster for forecaster in fitted if forecaster.setting == REFERENCE)
    ranked = sorted(fitted, key=lambda forecaster: forecaster.validation_error)
    best: dict[Features, Forecaster] = {}
    steady: dict[Features, Forecaster] = {}
    for forecaster in ranked:
        best.setdefault(forecaster.setting.features, forecaster)
        if forecaster.setting.normalization == "last" and forecaster.setting.sharing != "per_variate":
            steady.setdefault(forecaster.setting.features, forecaster)
    evidence: dict[str, Evidence] = {}
    chosen = Combination(reference, reference)
    considered = {
        str(forecaster.setting): forecaster
        for forecaster in (*best.values(), *steady.values())
        if forecaster.setting != REFERENCE
    }
    for forecaster in sorted(considered.values(), key=lambda each: each.validation_error):
        judged = _evidence(
            forecaster, reference, rows, index=index, n_lags=n_lags, n_tests=len(considered), rng_seed=rng_seed
        )
        evidence[str(forecaster.setting)] = judged
        if chosen.other is reference and judged.is_clear:
            chosen = Combination(reference, forecaster, judged.weight)
    return Choice(chosen, reference, best, evidence)


def _evidence(
    forecaster: Forecaster, reference: Forecaster, rows: _Rows, *, index: int, n_lags: int, n_tests: int, rng_seed: int
) -> Evidence:
    validation = gain(forecaster, reference, rows.validation_blocks, border=None, n_tests=n_tests, rng_seed=rng_seed)
    late: Gain | None = None
    if validation.is_clear:
        fits = []
        for each in (forecaster, reference):
            sums = rows.early.get((each.setting.features, each.setting.normalization))
            moments = sums[index] if sums else None
            # Every model needs rows of its own in the early period.
            if moments is not None and bool((moments.count > 1).all()):
                fits.append(refit(each, moments, n_lags=n_lags))
        if len(fits) == 2:
            late = gain(fits[0], fits[1], rows.late_blocks, border=rows.border, n_tests=n_tests, rng_seed=rng_seed)
    return Evidence(validation, None if late is None or np.isnan(late.mean) else late)
