"""Scores of a representation on a forecasting task: the label of a trial, and the report on the test part.

Arguments of `validate` and `score_test` are those of `evaluation`.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

from downstream.forecasting.choosing.choice import Choice, fit, fit_reference
from downstream.forecasting.errors import ErrorSums, errors_at, horizon_metrics
from downstream.forecasting.models import Combination, Setting, fit_paths, split_groups
from downstream.forecasting.rows import RowBlock, pick_origins, row_blocks, usable_horizons
from downstream.forecasting.sums import sum_rows
from downstream.forecasting.task import ForecastingTask, Origins, Part
from downstream.forecasting.ts2vec.scoring import applies, score_test_ts2vec
from downstream.probes.ridge import ALPHAS, Moments, choose
from downstream.represent import Represent
from downstream.scores import Score, Scores

LABEL_TRAIN_ORIGINS, LABEL_TRAIN_ROWS = 1000, 8000
LABEL_VALIDATION_ORIGINS, LABEL_VALIDATION_ROWS = 600, 4000
LABEL = Setting("representation", "last", "shared")


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
        error, on_edge = _nested_error(train[index], [half[index] for half in halves if half], horizon=horizon)
        details |= {f"mse/{horizon}": error, f"alpha_on_edge/{horizon}": float(on_edge)}
        errors.append(error)
    details["mse"] = float(np.mean(errors))
    return Score.of(task.spec, details["mse"], details)


def _label_sums(
    task: ForecastingTask, part: Part, origins: Origins, *, horizons: Sequence[int], represent: Represent
) -> list[Moments | None]:
    """Return the sums of the rows at some origins for each horizon; an empty list without an origin."""
    sums = sum_rows(
        row_blocks(task, part, origins, horizons=horizons, represent=represent),
        horizons=horizons,
        normalizations=(LABEL.normalization,),
        for_validation=part == "validation",
        representation_only=True,
    )
    return sums.get((LABEL.features, LABEL.normalization), [])


def _nested_error(fit_on: Moments | None, halves: Sequence[Moments | None], *, horizon: int) -> tuple[float, bool]:
    """Return the error of each half under the alpha that is best on the other, and if one was on the edge.

    Where one half has no origin for the horizon, the alpha is chosen on the half that is scored.
    """
    rows = [half for half in halves if half is not None]
    assert fit_on is not None and rows, "usable_horizons promises training and validation origins"
    setting = LABEL._replace(sharing="joint") if fit_on.y.shape[1] > horizon else LABEL
    paths = fit_paths(fit_on, setting=setting, n_lags=0)
    by_alpha, counts = [], []
    for half in rows:
        groups = split_groups(half, sharing=setting.sharing)
        count = torch.stack([group.count[0] for group in groups])
        errors = torch.stack([path.errors(group, ALPHAS) for path, group in zip(paths, groups, strict=True)])
        by_alpha.append((errors * count[:, None]).sum(0) / count.sum())
        counts.append(float(count.sum()))
    chosen = [choose(errors, ALPHAS) for errors in reversed(by_alpha)]
    scored = [float(errors[ALPHAS.index(choice.alpha)]) for errors, choice in zip(by_alpha, chosen, strict=True)]
    return float(np.average(scored, weights=counts)), any(choice.on_edge for choice in chosen)


def score_test(
    task: ForecastingTask, opened: ForecastingTask, represent: Represent | None, *, rng_seed: int = 0
) -> Scores:
    """Choose a forecaster per horizon on training and validation rows, then score it on every test origin.

    Without an encoder it is the plain ridge on raw lags, and nothing is chosen but alpha. The rule of choice draws.

    Returns:
        `mse/H` and `mae/H` of the chosen forecaster and `representation.mse/H` of the best one that sees the
        representation only; means over horizons as `mse`, `mae`, ...
    """
    tested: dict[int, dict[str, Combination]] = {}
    metrics: dict[str, float] = {}
    settings: dict[str, str] = {}
    if represent is None:
        tested = {
            horizon: {"": Combination(reference, reference)} for horizon, reference in fit_reference(task).items()
        }
    else:
        for horizon, choice in fit(task, represent, rng_seed=rng_seed).items():
            tested[horizon] = {
                "": choice.chosen,
                "representation.": Combination(choice.reference, choice.best["representation"]),
            }
            settings.update(_describe_evidence(choice, horizon=horizon))
    # Origins of a longer horizon are a part of those of the shortest: one pass of the encoder serves all.
    origins = opened.origins("test", min(tested))
    blocks = row_blocks(opened, "test", origins, horizons=sorted(tested), represent=represent)
    metrics.update(_test_errors(tested, blocks))
    for forecasters in tested.values():
        for name, forecaster in forecasters.items():
            settings.update(_describe(forecaster, name=name))
    if represent is not None and applies(task):
        published = score_test_ts2vec(task, opened, represent)
        metrics.update(published[0])
        settings.update(published[1])
    return Scores.of(task.spec, metrics, settings=settings, protocol=protocol_facts(task, opened, tested))


def _test_errors(tested: Mapping[int, Mapping[str, Combination]], blocks: Iterable[RowBlock]) -> dict[str, float]:
    """Return mean squared and absolute errors over all observed targets, by name of the forecaster and horizon."""
    names = next(iter(tested.values()))
    sums = {name: dict.fromkeys(tested, ErrorSums()) for name in names}
    for block in blocks:
        for horizon, forecasters in tested.items():
            for name, forecaster in forecasters.items():
                errors = forecaster.predict(block) - block.targets[:, :horizon]
                sums[name][horizon] += errors_at(horizon, errors, block.room)
    metrics: dict[str, float] = {}
    for name in names:
        metrics |= horizon_metrics(sums[name], prefix=name)
    return metrics


def _describe(forecaster: Combination, *, name: str) -> dict[str, str]:
    horizon = forecaster.horizon
    alphas = sorted({choice.alpha for choice in forecaster.alphas})
    settings = {
        f"{name}forecaster/{horizon}": str(forecaster),
        f"{name}alpha/{horizon}": " ".join(f"{alpha:g}" for alpha in alphas),
    }
    if any(choice.on_edge for choice in forecaster.alphas):
        settings[f"{name}warning/{horizon}"] = "alpha lies on the edge of its grid"
    return settings


def _describe_evidence(choice: Choice, *, horizon: int) -> dict[str, str]:
    return {
        f"evidence/{horizon}/{name}": f"validation gain {gains.validation}, late training gain {gains.late_training}"
        for name, gains in choice.evidence.items()
    }


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
