"""The plain methods that stand beside every representation: the values themselves, and MiniRocket."""

from dataclasses import replace

from downstream.cases.features import minirocket, raw_features
from downstream.cases.task import LabelledWindows
from downstream.classification.scoring import held_out_scores, score_features, score_ridge
from downstream.classification.task import ClassificationTask
from downstream.probes.spans import Spans
from downstream.register import Baselines
from downstream.scores import Scores

BASELINES = Baselines()


@BASELINES.add("raw_series")
def score_raw_series(task: ClassificationTask, opened: LabelledWindows, *, rng_seed: int) -> Scores:
    """Score all probes on the values themselves."""
    x, new = raw_features(task.windows, opened.windows)
    scores = score_features(task, opened, x, new, rng_seed=rng_seed)
    return replace(scores, validation=held_out_scores(task, Spans.of(x), rng_seed=rng_seed).value)


@BASELINES.add("minirocket")
def score_minirocket(task: ClassificationTask, opened: LabelledWindows, *, rng_seed: int) -> Scores | None:
    """Score MiniRocket's features with the ridge; None without aeon."""
    features = minirocket(task.windows, opened.windows, rng_seed=rng_seed)
    if features is None:
        return None
    known = held_out_scores(task, Spans.of(features[0]), rng_seed=rng_seed).value
    return replace(score_ridge(task, opened, *features), validation=known)
