"""The plain detector that stands beside every representation."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from downstream.anomaly.scores import ScoredRows, training_rows
from downstream.anomaly.scoring import score_test_scorer
from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.register import Baselines
from downstream.scores import Scores

Floats = NDArray[np.floating]


BASELINES = Baselines()


@BASELINES.add("moving_z_score")
def score_moving_z_score(task: AnomalyTask, opened: Sequence[LabelledRows], *, rng_seed: int) -> Scores:
    """Score the distance to the recent mean in recent deviations, mean over variates."""
    del rng_seed
    return score_test_scorer(task, opened, moving_z_score)


def moving_z_score(
    task: AnomalyTask, rows: LabelledRows, *, span: slice, max_training: int
) -> Mapping[str, ScoredRows]:
    """Score rows against the `spec.window` rows before them; see `Scorer`."""
    training = training_rows(task, rows.name)[-max_training - task.spec.window :]
    scored = _z_scores(rows.values, window=task.spec.window)[rows.context :][span]
    known = _z_scores(training, window=task.spec.window)
    # Without a full window behind them the first rows are no measure of what is usual.
    known = known[task.spec.window :] if len(known) > 2 * task.spec.window else known
    labels = None if rows.labels is None else rows.labels[span]
    return {"moving_z_score": ScoredRows.normalized(known, scored, labels=labels)}


def _z_scores(values: Floats, *, window: int) -> Floats:
    """Return the mean over variates of |x - recent mean| / recent deviation, missing values 0, (time,)."""
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
