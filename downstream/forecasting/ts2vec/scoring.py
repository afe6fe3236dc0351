"""The forecasting protocol of TS2Vec, for figures that can stand beside published ones.

Yue et al., AAAI 2022: one ridge from the representation to all targets of all steps
together, features as they are, alpha per horizon by RMSE + MAE on validation, fitted on
training rows only, no normalisation of windows. The forecaster's own choices play no part.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from downstream.forecasting.errors import ErrorSums, horizon_metrics
from downstream.forecasting.rows import usable_horizons
from downstream.forecasting.task import ForecastingTask, Origins, Part
from downstream.forecasting.ts2vec.rows import PartRows
from downstream.probes.compression import Compression
from downstream.probes.ridge import TS2VEC_ALPHAS, RidgePath
from downstream.probes.ridge_choice import least_error_alpha
from downstream.represent import Represent, represented

Floats = NDArray[np.floating]

# Above this many flattened features decompositions take long; the protocol was made for 320.
MAX_FEATURES = 1024
BLOCK_WINDOWS = 2048
PARTS: tuple[Part, ...] = ("train", "validation", "test")


class HorizonFit(NamedTuple):
    """The ridge of one horizon, for compressed features, and the alpha that validation chose."""

    horizon: int
    path: RidgePath
    alpha: float


def applies(task: ForecastingTask) -> bool:
    """Whether the task was built for this protocol."""
    return "ts2vec" in task.spec.protocol.lower()


def score_test_ts2vec(
    task: ForecastingTask, opened: ForecastingTask, represent: Represent
) -> tuple[dict[str, float], dict[str, str]]:
    """Return `ts2vec.mse/H` and `ts2vec.mae/H` with their means, and the chosen alphas.

    Streams are flattened. Rows with a missing target are left out of fit and choice, missing targets out of the
    errors. With more than `MAX_FEATURES` features there are no figures, and the settings say so.
    """
    shortest = usable_horizons(task)[0]
    features = {part: _flattened(opened, opened.origins(part, shortest), represent) for part in PARTS}
    n_features = features["train"].shape[1]
    if n_features > MAX_FEATURES:
        return {}, {"ts2vec.protocol": f"not run: {n_features} features, at most {MAX_FEATURES}"}
    return errors_by_horizon(opened, features)


def errors_by_horizon(opened: ForecastingTask, features: dict[Part, Floats]) -> tuple[dict[str, float], dict[str, str]]:
    """Fit, choose and test every horizon; see `score_test_ts2vec`.

    Args:
        opened: The task with its test part.
        features: Of the origins of the shortest usable horizon, per part, (n, d).
    """
    sums: dict[int, ErrorSums] = {}
    settings: dict[str, str] = {}
    rows, _ = compressed_rows(opened, features)
    for index, fit in enumerate(fits(rows)):
        if fit is None:
            settings[f"ts2vec.protocol/{rows['train'].horizons[index]}"] = "not run: no row without a missing target"
            continue
        errors = errors_of(fit, rows["test"], index)
        if errors.n == 0:
            continue
        sums[fit.horizon] = errors
        settings[f"ts2vec.alpha/{fit.horizon}"] = f"{fit.alpha:g}"
        if fit.alpha in (TS2VEC_ALPHAS[0], TS2VEC_ALPHAS[-1]):
            settings[f"ts2vec.warning/{fit.horizon}"] = "alpha lies on the edge of its grid"
    return horizon_metrics(sums, prefix="ts2vec.") if sums else {}, settings


def compressed_rows(opened: ForecastingTask, features: dict[Part, Floats]) -> tuple[dict[Part, PartRows], Compression]:
    """Return the rows of each part, their features in the directions that training and validation show to matter."""
    horizons = usable_horizons(opened)
    x = {part: torch.as_tensor(features[part]) for part in PARTS}
    others = [x["validation"]] if len(x["validation"]) else []
    compression = Compression.of(x["train"], others, least_alpha=min(TS2VEC_ALPHAS))
    rows = {}
    for part in PARTS:
        origins = opened.origins(part, horizons[0])
        z = compression.apply(x[part]) if len(x[part]) else torch.empty(0, compression.basis.shape[1])
        rows[part] = PartRows.of(opened, part, origins, z, horizons=horizons, complete=part != "test")
    return rows, compression


def fits(rows: dict[Part, PartRows]) -> Iterator[HorizonFit | None]:
    """Yield the fit of every horizon, ascending; None where training or validation have no complete row."""
    train, validation = rows["train"].sums(), rows["validation"].sums()
    for index, horizon in enumerate(rows["train"].horizons):
        fitted, seen = train[index], validation[index]
        if fitted is None or seen is None:
            yield None
            continue
        path = RidgePath.from_moments(fitted)

        def blocks(index: int = index) -> Iterator[tuple[Tensor, Tensor]]:
            return rows["validation"].blocks(index)

        yield HorizonFit(horizon, path, least_error_alpha(path, seen, blocks, alphas=TS2VEC_ALPHAS))


def errors_of(fit: HorizonFit, rows: PartRows, index: int) -> ErrorSums:
    """Return the errors of a fit on the rows of its horizon."""
    weights, intercept = fit.path.weights(fit.alpha)
    squared, absolute, n = 0.0, 0.0, 0
    for x, y in rows.blocks(index):
        errors = y.sub_(intercept).addmm_(x, weights, beta=-1).reshape(-1)
        total = float(errors.abs().sum())
        if not math.isfinite(total):
            errors = errors[torch.isfinite(errors)]
            total = float(errors.abs().sum())
        squared += float(errors @ errors)
        absolute += total
        n += len(errors)
    return ErrorSums(squared, absolute, n)


def _flattened(task: ForecastingTask, origins: Origins, represent: Represent) -> Floats:
    """Return the representation at each origin, streams side by side, (n, streams * features)."""
    parts = []
    for first in range(0, len(origins.step), BLOCK_WINDOWS):
        block = Origins(*(part[first : first + BLOCK_WINDOWS] for part in origins))
        z = represented(represent, task.windows_at(block))
        parts.append(z.reshape(len(z), -1))
    return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)
