"""Classification as a kind of task."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from downstream.task_kind import TaskKind

if TYPE_CHECKING:
    from downstream.cases.task import LabelledWindows
    from downstream.classification.predictor import ClassPredictor
    from downstream.classification.task import ClassificationTask
    from downstream.data.options import LoadOptions
    from downstream.data.raw import SeriesSet, Source
    from downstream.represent import Represent
    from downstream.scores import Score, Scores


class Classification(TaskKind["ClassificationTask"]):
    """The class of each case."""

    name = "classification"
    metric = "accuracy"
    higher_is_better = True
    score_range = (0.0, 1.0)
    whole_cases = True
    estimator_type = "classifier"
    all_for_fitting = MappingProxyType({"pool_test": True, "max_length": 10**9})

    def claims(self, content: Source) -> bool:
        """Files of labelled cases (`.ts`, `.tsv`, `.arff`), and arrays with labels."""
        from downstream.data.raw import Arrays, CasePair

        return isinstance(content, CasePair) or (isinstance(content, Arrays) and content.content.get("y") is not None)

    def _load(self, content: Source, *, stem: str, options: LoadOptions) -> ClassificationTask:
        from downstream.cases.reading import read_cases
        from downstream.classification.build import build_classification

        return build_classification(read_cases(content, options=options), options=options)

    def _plain_series(self, content: Source, *, options: LoadOptions) -> SeriesSet:
        from downstream.cases.reading import read_plain_cases

        return read_plain_cases(content, options=options)

    def _validate(self, task: ClassificationTask, represent: Represent, *, rng_seed: int) -> Score:
        from downstream.classification.scoring import validate

        return validate(task, represent, rng_seed=rng_seed)

    def _score_test(
        self, task: ClassificationTask, opened: LabelledWindows, represent: Represent, *, rng_seed: int
    ) -> Scores:
        from downstream.classification.scoring import score_test

        return score_test(task, opened, represent, rng_seed=rng_seed)

    def _baselines(self, task: ClassificationTask, opened: LabelledWindows, *, rng_seed: int) -> dict[str, Scores]:
        from downstream.classification.baselines import baselines

        return baselines(task, opened, rng_seed=rng_seed)

    def _predictor(self) -> type[ClassPredictor]:
        from downstream.classification.predictor import ClassPredictor

        return ClassPredictor


KIND = Classification()
