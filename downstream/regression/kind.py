"""Regression as a kind of task: time-series extrinsic regression."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from downstream.task_kind import TaskKind

if TYPE_CHECKING:
    from downstream.cases.task import LabelledWindows
    from downstream.data.options import LoadOptions
    from downstream.data.raw import SeriesSet, Source
    from downstream.regression.predictor import TargetPredictor
    from downstream.regression.task import RegressionTask
    from downstream.represent import Represent
    from downstream.scores import Score, Scores


class Regression(TaskKind["RegressionTask"]):
    """The number that belongs to each case."""

    name = "regression"
    metric = "rmse"
    higher_is_better = False
    whole_cases = True
    estimator_type = "regressor"
    all_for_fitting = MappingProxyType({"pool_test": True, "max_length": 10**9})

    def claims(self, content: Source) -> bool:
        """Files of cases that say themselves that their labels are numbers (`.ts` with `@targetlabel true`)."""
        from downstream.data.raw import CasePair

        return isinstance(content, CasePair) and content.train.has_targets

    def _load(self, content: Source, *, stem: str, options: LoadOptions) -> RegressionTask:
        from downstream.cases.reading import read_cases
        from downstream.regression.build import build_regression

        return build_regression(read_cases(content, options=options), options=options)

    def _plain_series(self, content: Source, *, options: LoadOptions) -> SeriesSet:
        from downstream.cases.reading import read_plain_cases

        return read_plain_cases(content, options=options)

    def _validate(self, task: RegressionTask, represent: Represent, *, rng_seed: int) -> Score:
        from downstream.regression.scoring import validate

        return validate(task, represent, rng_seed=rng_seed)

    def _score_test(
        self, task: RegressionTask, opened: LabelledWindows, represent: Represent, *, rng_seed: int
    ) -> Scores:
        from downstream.regression.scoring import score_test

        return score_test(task, opened, represent, rng_seed=rng_seed)

    def _baselines(self, task: RegressionTask, opened: LabelledWindows, *, rng_seed: int) -> dict[str, Scores]:
        from downstream.regression.baselines import baselines

        return baselines(task, opened, rng_seed=rng_seed)

    def _predictor(self) -> type[TargetPredictor]:
        from downstream.regression.predictor import TargetPredictor

        return TargetPredictor


KIND = Regression()
