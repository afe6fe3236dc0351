"""The plain methods that stand beside every representation: the mean, ridge on the values, and MiniRocket."""

import numpy as np

from downstream.cases.features import minirocket, raw_features
from downstream.cases.task import LabelledWindows
from downstream.register import Baselines
from downstream.regression.scoring import score_features, score_predictions
from downstream.regression.task import RegressionTask
from downstream.scores import Scores

BASELINES = Baselines()


@BASELINES.add("mean")
def score_mean(task: RegressionTask, opened: LabelledWindows, *, rng_seed: int) -> Scores:
    """Score the mean of the training targets, always."""
    del rng_seed
    return score_predictions(task, opened, np.full(len(opened.labels), task.labels.mean()), settings={})


@BASELINES.add("raw_series")
def score_raw_series(task: RegressionTask, opened: LabelledWindows, *, rng_seed: int) -> Scores:
    """Score the ridge on the values themselves."""
    del rng_seed
    return score_features(task, opened, *raw_features(task.windows, opened.windows))


@BASELINES.add("minirocket")
def score_minirocket(task: RegressionTask, opened: LabelledWindows, *, rng_seed: int) -> Scores | None:
    """Score MiniRocket's features with the ridge; None without aeon."""
    features = minirocket(task.windows, opened.windows, rng_seed=rng_seed)
    return None if features is None else score_features(task, opened, *features, exact=True)
