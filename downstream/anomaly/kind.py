"""Anomaly detection as a kind of task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from downstream.task_kind import TaskKind

if TYPE_CHECKING:
    from downstream.anomaly.predictor import AnomalyPredictor
    from downstream.anomaly.task import AnomalyTask, LabelledRows
    from downstream.data.options import LoadOptions
    from downstream.data.raw import SeriesSet, Source
    from downstream.represent import Represent
    from downstream.scores import Score, Scores


class Anomaly(TaskKind["AnomalyTask"]):
    """Which rows of a series are unusual, from the window that ends at each."""

    name = "anomaly"
    metric = "auc_pr"
    higher_is_better = True
    score_range = (0.0, 1.0)

    def claims(self, content: Source) -> bool:
        """A table with the columns `label` and `split`."""
        from downstream.data.raw import Tables

        return isinstance(content, Tables) and {"label", "split"} <= set(content.tables[0].frame.columns)

    def _load(self, content: Source, *, stem: str, options: LoadOptions) -> AnomalyTask:
        from downstream.anomaly.build import build_anomaly
        from downstream.data.arrays import array_series
        from downstream.data.raw import Arrays

        if isinstance(content, Arrays):
            return build_anomaly(array_series(content, options=options, anomaly=True), options=options)
        return build_anomaly(self._plain_series(content, options=options), options=options)

    def _plain_series(self, content: Source, *, options: LoadOptions) -> SeriesSet:
        from downstream.data.series import read_series
        from downstream.data.tables import anomaly_series

        return read_series(content, options=options, from_tables=anomaly_series)

    def _validate(self, task: AnomalyTask, represent: Represent, *, rng_seed: int) -> Score:
        from downstream.anomaly.scoring import validate

        return validate(task, represent, rng_seed=rng_seed)

    def _score_test(
        self, task: AnomalyTask, opened: tuple[LabelledRows, ...], represent: Represent, *, rng_seed: int
    ) -> Scores:
        from downstream.anomaly.scoring import score_test

        return score_test(task, opened, represent, rng_seed=rng_seed)

    def _baselines(self, task: AnomalyTask, opened: tuple[LabelledRows, ...], *, rng_seed: int) -> dict[str, Scores]:
        from downstream.anomaly.baselines import baselines

        return baselines(task, opened, rng_seed=rng_seed)

    def _predictor(self) -> type[AnomalyPredictor]:
        from downstream.anomaly.predictor import AnomalyPredictor

        return AnomalyPredictor


KIND = Anomaly()
