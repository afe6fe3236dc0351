"""Forecasting as a kind of task."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from downstream.task_kind import TaskKind

if TYPE_CHECKING:
    from downstream.data.options import LoadOptions
    from downstream.data.raw import SeriesSet, Source
    from downstream.forecasting.predictor import ForecastPredictor
    from downstream.forecasting.task import ForecastingTask
    from downstream.represent import Represent
    from downstream.scores import Score, Scores


class Forecasting(TaskKind["ForecastingTask"]):
    """The next steps of each series, from a window that ends before them."""

    name = "forecasting"
    metric = "mse"
    higher_is_better = False
    all_for_fitting = MappingProxyType({"splits": (0.75, 0.25, 0.0)})

    def claims(self, content: Source) -> bool:
        """Whatever nothing else claims."""
        del content
        return True

    def _load(self, content: Source, *, stem: str, options: LoadOptions) -> ForecastingTask:
        from downstream.forecasting.build import build_forecasting

        return build_forecasting(self._plain_series(content, options=options), stem=stem, options=options)

    def _plain_series(self, content: Source, *, options: LoadOptions) -> SeriesSet:
        from downstream.data.series import read_series
        from downstream.data.tables import forecasting_series

        return read_series(content, options=options, from_tables=forecasting_series)

    def _validate(self, task: ForecastingTask, represent: Represent, *, rng_seed: int) -> Score:
        from downstream.forecasting.scoring import validate

        return validate(task, represent, rng_seed=rng_seed)

    def _score_test(
        self, task: ForecastingTask, opened: ForecastingTask, represent: Represent, *, rng_seed: int
    ) -> Scores:
        from downstream.forecasting.scoring import score_test

        return score_test(task, opened, represent, rng_seed=rng_seed)

    def _baselines(self, task: ForecastingTask, opened: ForecastingTask, *, rng_seed: int) -> dict[str, Scores]:
        from downstream.forecasting.baselines import baselines

        return baselines(task, opened, rng_seed=rng_seed)

    def _predictor(self) -> type[ForecastPredictor]:
        from downstream.forecasting.predictor import ForecastPredictor

        return ForecastPredictor


KIND = Forecasting()
