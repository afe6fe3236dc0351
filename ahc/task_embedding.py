"""A task as a vector, from its training windows only.

One fixed definition serves all tasks, so that all vectors share their axes; the
comparator is small and learns from few tasks, so nothing here is trained.
"""

import numpy as np
from numpy.typing import NDArray

from ahc.series_features import N_KERNELS, STATISTICS, Rows, convolution_features, standardise_rows, statistics
from downstream.task import Task
from downstream.windows import Windows

EMBEDDING_VERSION = "1"
_MAX_WINDOWS = 256
_MAX_VARIATES = 16
_MAX_ROWS = 1024
_MAX_VALUES = 1 << 20
_MAX_STEPS = 8192
# Those that version 1 has a column for; further kinds are 0 in all three.
_KINDS = ("forecasting", "classification", "anomaly")

_FACTS = (
    "log_windows",
    "log_length",
    "log_variates",
    "missing_share",
    "log_classes",
    "log_mean_horizon",
    "log_shortest_horizon",
    "log_longest_horizon",
    *(f"kind_{kind}" for kind in _KINDS),
    "cross_correlation",
    "level_shift",
    "scale_spread",
)
_POOLED_STATISTICS = (*(f"{name}_mean" for name in STATISTICS), *(f"{name}_sd" for name in STATISTICS))
_POOLED_CONVOLUTIONS = (
    *(f"convolution_{at}_ppv_mean" for at in range(N_KERNELS)),
    *(f"convolution_{at}_max_mean" for at in range(N_KERNELS)),
    *(f"convolution_{at}_ppv_sd" for at in range(N_KERNELS)),
)
FEATURE_NAMES: tuple[str, ...] = (*_FACTS, *_POOLED_STATISTICS, *_POOLED_CONVOLUTIONS)


def feature_weights() -> NDArray[np.float32]:
    """Return weights that let facts, statistics and convolutions count alike, (features,).

    There are many more convolution features than facts; unweighted, a distance
    between tasks would be about convolutions alone.
    """
    blocks = (_FACTS, _POOLED_STATISTICS, _POOLED_CONVOLUTIONS)
    return np.concatenate([np.full(len(block), len(block) ** -0.5, dtype=np.float32) for block in blocks])


def default_weights(n_features: int) -> NDArray[np.float32]:
    """Return `feature_weights` for vectors of that length, ones for embeddings of another origin."""
    return feature_weights() if n_features == len(FEATURE_NAMES) else np.ones(n_features, dtype=np.float32)


def embed_task(task: Task) -> NDArray[np.float32]:
    """Return the task's vector.

    Reads at most a few hundred training windows; neither the order of variates
    nor their scale changes the result.

    Args:
        task: Any task; its test part is not touched.

    Returns:
        One finite value per name in `FEATURE_NAMES`, (features,).

    Raises:
        ValueError: If the task has no training window.
    """
    windows = task.training_windows()
    if len(windows) == 0:
        raise ValueError(f"embed_task: {task.spec.name!r} has no training window")
    values = _sample(windows)  # (windows, steps, variates)
    rows = values.transpose(0, 2, 1).reshape(-1, values.shape[1])
    # A row without any value says nothing but would pull every mean towards zero.
    seen = np.isfinite(rows).any(axis=1)
    rows = rows[seen] if seen.any() else rows
    standardised = standardise_rows(rows)
    plain = statistics(rows, standardised=standardised)
    convolved = convolution_features(standardised)
    vector = np.concatenate(
        [
            _facts(task, windows=windows, values=values),
            plain.mean(axis=0),
            plain.std(axis=0),
            convolved.mean(axis=0),
            convolved[:, :N_KERNELS].std(axis=0),
        ]
    )
    result: NDArray[np.float32] = vector.astype(np.float32)
    return result


def _sample(windows: Windows) -> NDArray[np.float64]:
    steps = min(windows.length, _MAX_STEPS)
    variates = _chosen_variates(windows)
    n = max(8, min(_MAX_WINDOWS, _MAX_ROWS // len(variates), _MAX_VALUES // (steps * len(variates))))
    index = np.unique(np.linspace(0, len(windows) - 1, num=min(n, len(windows))).round().astype(np.int64))
    return windows.gather(index)[:, :steps][:, :, variates].astype(np.float64)


def _chosen_variates(windows: Windows) -> NDArray[np.int64]:
    """Pick variates evenly along their roughness, so that their order in the file plays no role."""
    n_variates = windows.values.shape[1]
    if n_variates <= _MAX_VARIATES:
        return np.arange(n_variates)
    index = np.unique(np.linspace(0, len(windows) - 1, num=min(16, len(windows))).round().astype(np.int64))
    values = np.nan_to_num(windows.gather(index)[:, :_MAX_STEPS].astype(np.float64))
    step = np.abs(np.diff(values, axis=1)).sum(axis=(0, 1))
    spread = np.abs(values - values.mean(axis=(0, 1))).sum(axis=(0, 1))
    order = np.argsort(step / np.maximum(spread, 1e-12), kind="stable")
    picks: NDArray[np.int64] = order[np.linspace(0, n_variates - 1, num=_MAX_VARIATES).round().astype(np.int64)]
    return picks


def _facts(task: Task, *, windows: Windows, values: NDArray[np.float64]) -> Rows:
    horizons = np.asarray(task.spec.horizons or (0,), dtype=np.float64)
    observed = np.isfinite(values)
    count = np.maximum(observed.sum(axis=1), 1)
    level = np.where(observed, values, 0.0).sum(axis=1) / count  # (windows, variates)
    centred = np.where(observed, values - level[:, None], 0.0)
    spread = np.sqrt((centred**2).sum(axis=1) / count)  # (windows, variates)
    shift = level.std(axis=0) / np.maximum(level.std(axis=0) + spread.mean(axis=0), 1e-12)
    unevenness = spread.std(axis=0) / np.maximum(spread.mean(axis=0), 1e-12)
    return np.array(
        [
            np.log1p(len(windows)),
            np.log1p(windows.length),
            np.log1p(windows.values.shape[1]),
            1.0 - observed.mean(),
            np.log1p(len(getattr(task, "classes", ()))),
            np.log1p(horizons.mean()),
            np.log1p(horizons.min()),
            np.log1p(horizons.max()),
            *(float(task.spec.kind == kind) for kind in _KINDS),
            _cross_correlation(centred, spread=spread),
            shift.mean(),
            np.minimum(unevenness, 5.0).mean(),
        ]
    )


def _cross_correlation(centred: NDArray[np.float64], *, spread: NDArray[np.float64]) -> float:
    """Mean absolute correlation of two variates within a window; 0 for a single variate."""
    n_variates = centred.shape[2]
    if n_variates == 1:
        return 0.0
    unit = centred / np.maximum(spread, 1e-12)[:, None]
    products = np.abs(np.einsum("nta,ntb->nab", unit, unit) / centred.shape[1])
    off_diagonal = products.sum(axis=(1, 2)) - np.trace(products, axis1=1, axis2=2)
    return float(off_diagonal.mean() / (n_variates * (n_variates - 1)))
