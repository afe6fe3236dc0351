"""The plain methods that stand beside every representation: the mean, ridge on the values, and MiniRocket."""

from __future__ import annotations

import numpy as np

from downstream.cases.features import minirocket, raw_features
from downstream.cases.task import LabelledWindows
from downstream.regression.scoring import score_features, score_predictions
from downstream.regression.task import RegressionTask
from downstream.scores import Scores


def baselines(task: RegressionTask, opened: LabelledWindows, *, rng_seed: int = 0) -> dict[str, Scores]:
    """Return `mean` (of the training targets), `raw_series` and, where aeon is installed, `minirocket` (ridge)."""
    always = np.full(len(opened.labels), task.labels.mean())
    rows = {
        "mean": score_predictions(task, opened, always, settings={}),
        "raw_series": score_features(task, opened, *raw_features(task.windows, opened.windows)),
    }
    convolved = minirocket(task.windows, opened.windows, rng_seed=rng_seed)
    if convolved is not None:
        rows["minirocket"] = score_features(task, opened, *convolved, exact=True)
    return rows
