"""The plain methods that stand beside every representation: the values themselves, and MiniRocket."""

from __future__ import annotations

from downstream.cases.features import minirocket, raw_features
from downstream.cases.task import LabelledWindows
from downstream.classification.scoring import score_features, score_ridge
from downstream.classification.task import ClassificationTask
from downstream.scores import Scores


def baselines(task: ClassificationTask, opened: LabelledWindows, *, rng_seed: int = 0) -> dict[str, Scores]:
    """Return `raw_series` (all probes on the values themselves) and, where aeon is installed, `minirocket`."""
    x, new = raw_features(task.windows, opened.windows)
    rows = {"raw_series": score_features(task, opened, x, new, rng_seed=rng_seed)}
    convolved = minirocket(task.windows, opened.windows, rng_seed=rng_seed)
    if convolved is not None:
        rows["minirocket"] = score_ridge(task, opened, *convolved)
    return rows
