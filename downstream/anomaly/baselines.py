"""The plain detectors that stand beside every representation.

Those that look at windows are detectors of one part and no encoder: the same normal rows, the same mean over the
windows that cover a step, the same threshold.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from downstream.anomaly.detection.detector import NormalRows, unit_of
from downstream.anomaly.scoring import detector_scorer, score_test_scorer
from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.register import Baselines
from downstream.scores import Scores

Floats = NDArray[np.floating]


BASELINES = Baselines()


@BASELINES.add("moving_z_score")
def score_moving_z_score(task: AnomalyTask, opened: Sequence[LabelledRows], *, rng_seed: int) -> Scores:
    """Score the distance to the recent mean in recent deviations, mean over variates."""
    del rng_seed
    window = task.spec.window

    def scorer(normal: NormalRows) -> Callable[[LabelledRows], Mapping[str, Floats]]:
        known = z_scores(normal.values, window=window)
        # Without a full window behind them the first rows are no measure of what is usual.
        known = known[window:] if len(known) > 2 * window else known
        unit = unit_of(known)
        return lambda rows: {"": z_scores(rows.values, window=window)[rows.context :] / unit}

    return score_test_scorer(task, opened, scorer)


@BASELINES.add("sub_pca")
def score_sub_pca(task: AnomalyTask, opened: Sequence[LabelledRows], *, rng_seed: int) -> Scores:
    """Score what the principal components of normal windows leave over."""
    del rng_seed
    return score_test_scorer(task, opened, detector_scorer(task, None, weights={"sub_pca": 1.0}))


@BASELINES.add("nearest_raw_window")
def score_nearest_raw_window(task: AnomalyTask, opened: Sequence[LabelledRows], *, rng_seed: int) -> Scores:
    """Score the Euclidean distance to the nearest normal window."""
    del rng_seed
    return score_test_scorer(task, opened, detector_scorer(task, None, weights={"nearest_raw": 1.0}))


@BASELINES.add("isolation_forest")
def score_isolation_forest(task: AnomalyTask, opened: Sequence[LabelledRows], *, rng_seed: int) -> Scores:
    """Score how soon random cuts set a window apart."""
    del rng_seed
    return score_test_scorer(task, opened, detector_scorer(task, None, weights={"isolation": 1.0}))


def z_scores(values: Floats, *, window: int) -> Floats:
    """Return the mean over variates of |x - recent mean| / recent deviation, missing values 0, (time,).

    Recent are the `window` rows before a row.
    """
    observed = np.isfinite(values)
    filled = np.where(observed, values, 0.0).astype(np.float64)
    ends = np.arange(len(values))
    begins = np.maximum(ends - window, 0)

    def recent(numbers: Floats) -> Floats:
        sums = np.concatenate([np.zeros((1, numbers.shape[1])), np.cumsum(numbers, axis=0)])
        difference: Floats = sums[ends] - sums[begins]
        return difference

    count = np.maximum(recent(observed.astype(np.float64)), 1.0)
    mean = recent(filled) / count
    # Values are scaled, so a recent deviation below 0.01 means a flat stretch.
    deviation = np.sqrt(np.maximum(recent(filled**2) / count - mean**2, 1e-4))
    scores: Floats = np.where(observed, np.abs(filled - mean) / deviation, 0.0).mean(axis=1)
    return scores
