"""Scores of a representation on a forecasting task: the label of a trial, and the report on the test part.

Arguments of `validate` and `score_test` are those of `evaluation`.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from downstream.forecasting.combining.combination import Combination
from downstream.forecasting.combining.fit import fit
from downstream.forecasting.errors import DECILES, QuantileSums, TestErrors, quantile_metrics, quantile_sums
from downstream.forecasting.plain import fit_plain, path_of, sum_rows
from downstream.forecasting.rows import RowBlock, pick_origins, row_blocks, usable_horizons
from downstream.forecasting.task import ForecastingTask, Origins, Part
from downstream.forecasting.ts2vec.scoring import applies, score_test_ts2vec
from downstream.probes.ridge import ALPHAS, Moments, choose
from downstream.represent import Represent
from downstream.scores import Score, Scores

LABEL_TRAIN_ORIGINS, LABEL_TRAIN_ROWS = 1000, 8000
LABEL_VALIDATION_ORIGINS, LABEL_VALIDATION_ROWS = 600, 4000


def validate(task: ForecastingTask, represent: Represent, *, rng_seed: int = 0) -> Score:
    """Return the label of a trial: the error on validation of a ridge on the representation alone.

    One rule for every encoder: targets are changes from the last value; separate streams share
    one ridge, a mixed stream predicts all variates jointly. Fitted on evenly thinned training
    origins. Nested: validation is cut in two halves in time, and the error of each half is that
    of the alpha that is best on the other. The value is the mean over horizons.

    Returns:
        The mean squared error in scaled units. Details per horizon H: `mse/H`, `alpha_on_edge/H`.
    """
    del rng_seed
    horizons = usable_horizons(task)
    shortest = horizons[0]
    training = pick_origins(task, "train", horizon=shortest, max_origins=LABEL_TRAIN_ORIGINS, max_rows=LABEL_TRAIN_ROWS)
    judged = pick_origins(
        task, "validation", horizon=shortest, max_origins=LABEL_VALIDATION_ORIGINS, max_rows=LABEL_VALIDATION_ROWS
    )
    # Both halves need origins that have room for the longest horizon.
    ends = np.asarray([end for _, end in task.bounds], dtype=np.int64)
    roomy = np.flatnonzero(judged.step + horizons[-1] < ends[judged.series])
    middle = int(roomy[len(roomy) // 2]) if len(roomy) > 1 else len(judged.step) // 2
    parts: tuple[tuple[Part, Origins], ...] = (
        ("train", training),
        ("validation", Origins(judged.series[:middle], judged.step[:middle])),
        ("validation", Origins(judged.series[middle:], judged.step[middle:])),
    )
    train, *halves = (
        _label_sums(task, part, origins, horizons=horizons, represent=represent) for part, origins in parts
    )
    details: dict[str, float] = {}
    errors = []
    for index, horizon in enumerate(horizons):
        error, on_edge = _nested_error(train[index], [half[index] for half in halves])
        details |= {f"mse/{horizon}": error, f"alpha_on_edge/{horizon}": float(on_edge)}
        errors.append(error)
    details["mse"] = float(np.mean(errors))
    return Score.of(task.spec, details["mse"], details)


def _label_sums(
    task: ForecastingTask, part: Part, origins: Origins, *, horizons: Sequence[int], represent: Represent
) -> list[Moments | None]:
    """Return the sums of the rows at some origins for each horizon."""
    blocks = row_blocks(task, part, origins, horizons=horizons, represent=represent)
    return sum_rows(blocks, features="representation", horizons=horizons)


def _nested_error(fit_on: Moments | None, halves: Sequence[Moments | None]) -> tuple[float, bool]:
    """Return the error of each half under the alpha that is best on the other, and if one was on the edge.

    Where one half has no origin for the horizon, the alpha is chosen on the half that is scored.
    """
    rows = [half for half in halves if half is not None]
    assert fit_on is not None and rows, "usable_horizons promises training and validation origins"
    path = path_of(fit_on, "representation")
    by_alpha = [path.errors(half, ALPHAS) for half in rows]
    chosen = [choose(errors, ALPHAS) for errors in reversed(by_alpha)]
    scored = [float(errors[ALPHAS.index(choice.alpha)]) for errors, choice in zip(by_alpha, chosen, strict=True)]
    counts = [float(half.count[0]) for half in rows]
    return float(np.average(scored, weights=counts)), any(choice.on_edge for choice in chosen)


def score_test(
    task: ForecastingTask, opened: ForecastingTask, represent: Represent | None, *, rng_seed: int = 0
) -> Scores:
    """Fit and combine forecasters on training and validation rows, then score the combination on every test origin.

    Without an encoder it combines the plain forecasts. Nothing draws.

    Returns:
        See `score_combinations`.
    """
    del rng_seed
    combinations = fit(task, represent, representation_only=represent is not None)
    return score_combinations(task, opened, represent, combinations)


def score_combinations(
    task: ForecastingTask, opened: ForecastingTask, represent: Represent | None, combinations: Sequence[Combination]
) -> Scores:
    """Score what `fit` gave on every test origin.

    Returns:
        For each horizon H `mse/H`, `mae/H`, `pinball/H` (mean over the deciles) and `coverage_80/H` (the share of
        values in the interval that should hold 80 %) of the first combination; `representation.mse/H` and
        `representation.mae/H` of the second, where there is one; means over horizons as `mse`, `mae`, ...
    """
    whole, *parts = combinations
    tested = {"": whole, **dict(zip(("representation.",), parts, strict=False))}
    rows, seen = whole.rows_of(opened), None if represent is None else whole.seen_by(represent)
    # Origins of a longer horizon are a part of those of the shortest: one pass of the encoder serves all.
    origins = rows.origins("test", whole.horizons[0])
    seen_errors = {name: TestErrors(rows, whole.horizons) for name in tested}
    quantiles = dict.fromkeys(whole.horizons, QuantileSums())
    deciles = whole.intervals.at(DECILES).numpy()
    for block in row_blocks(rows, "test", origins, horizons=whole.horizons, represent=seen):
        for name, combination in tested.items():
            errors = combination.predict(block) - block.targets
            for horizon in whole.horizons:
                _add(seen_errors[name], block, horizon, errors)
            if name == "":
                found = quantile_sums(whole.horizons, -errors, deciles, block.room)
                quantiles = {horizon: total + found[horizon] for horizon, total in quantiles.items()}
    metrics: dict[str, float] = {}
    for name, errors_of in seen_errors.items():
        metrics |= errors_of.metrics(prefix=name)
    metrics |= quantile_metrics(quantiles)
    settings = described(whole)
    if represent is not None and applies(task):
        published = score_test_ts2vec(task, opened, represent)
        metrics.update(published[0])
        settings.update(published[1])
    return Scores.of(
        task.spec,
        metrics,
        settings=settings,
        protocol={**protocol_facts(task, opened, whole.horizons), "longest_lookback": whole.n_lags},
        interval=seen_errors[""].interval,
        validation=whole.validation_mse,
    )


def _add(tested: TestErrors, block: RowBlock, horizon: int, errors: NDArray[np.floating]) -> None:
    """Count the errors of a block's origins that have room for a horizon, (n, at least horizon, targets)."""
    roomy = block.room >= horizon
    tested.add(horizon, Origins(*(column[roomy] for column in block.origins)), errors[roomy, :horizon])


def score_raw_lag_ridge(task: ForecastingTask, opened: ForecastingTask) -> Scores:
    """Score the ridge on raw lags that all variates share, changes from the last value; only alpha is chosen."""
    fitted = fit_plain(task, None)
    origins = opened.origins("test", min(fitted))
    tested = TestErrors(opened, sorted(fitted))
    for block in row_blocks(opened, "test", origins, horizons=sorted(fitted), represent=None):
        for horizon, forecaster in fitted.items():
            _add(tested, block, horizon, forecaster.predict(block) - block.targets[:, :horizon])
    settings = {"lags": f"{task.spec.raw_lags} of a variate, for a window of {task.spec.window} steps"}
    for horizon, forecaster in fitted.items():
        settings[f"alpha/{horizon}"] = f"{forecaster.alpha.alpha:g}"
        if forecaster.alpha.on_edge:
            settings[f"warning/{horizon}"] = "alpha lies on the edge of its grid"
    facts = protocol_facts(task, opened, fitted)
    return Scores.of(task.spec, tested.metrics(), settings=settings, protocol=facts, interval=tested.interval)


def described(combination: Combination) -> dict[str, str]:
    """Return what was combined, in words: the weight of each kind of member by horizon, and each member's own."""
    settings = {}
    for band, (horizon, weights) in enumerate(zip(combination.horizons, combination.weights, strict=True)):
        settings[f"forecaster/{horizon}"] = combination.words(band)
        listed = sorted(weights.items(), key=lambda item: -item[1])
        settings[f"weights/{horizon}"] = ", ".join(f"{weight:.3f} {name}" for name, weight in listed)
        on_edge = [name for name in combination.on_edge[band] if name in weights]
        if on_edge:
            settings[f"warning/{horizon}"] = f"alpha lies on the edge of its grid: {', '.join(on_edge)}"
    if combination.left_out:
        settings["not affordable"] = ", ".join(combination.left_out)
    return settings


def protocol_facts(
    task: ForecastingTask, opened: ForecastingTask, horizons: Iterable[int]
) -> dict[str, str | int | float]:
    """Return the facts that belong beside every figure of this task, with the number of test origins per horizon."""
    train_end, validation_end = task.bounds[0]
    return {
        "dataset": task.spec.name,
        "protocol": task.spec.protocol,
        "window": task.spec.window,
        "raw_lags": task.spec.raw_lags,
        "n_series": len(task.bounds),
        "train_end": train_end,
        "validation_end": validation_end,
        "scaler_rows": task.scaler.n_rows_seen,
        **{f"n_windows/{horizon}": len(opened.origins("test", horizon).step) for horizon in horizons},
    }
