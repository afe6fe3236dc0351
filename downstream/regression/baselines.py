"""The plain methods that stand beside every representation: the mean, ridge on the values, and MiniRocket."""

from dataclasses import replace

import numpy as np

from downstream.cases.features import minirocket, raw_features
from downstream.cases.task import LabelledWindows
from downstream.probes.spans import Spans
from downstream.register import Baselines
from downstream.regression.scoring import held_out_scores, score_features, score_predictions
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
    x, new = raw_features(task.windows, opened.windows)
    known = held_out_scores(task, Spans.of(x), rng_seed=rng_seed).value
    return replace(score_features(task, opened, x, new), validation=known)


@BASELINES.add("minirocket")
def score_minirocket(task: RegressionTask, opened: LabelledWindows, *, rng_seed: int) -> Scores | None:
    """Score MiniRocket's features with the ridge; None without aeon."""
    features = minirocket(task.windows, opened.windows, rng_seed=rng_seed)
    if features is None:
        return None
    known = held_out_scores(task, Spans.of(features[0]), rng_seed=rng_seed).value
    return replace(score_features(task, opened, *features, exact=True), validation=known)
