"""What a kind of task is: all that the rest of the software asks of it, in one registration."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, final

if TYPE_CHECKING:
    from torch import Tensor

    from downstream.data.options import LoadOptions
    from downstream.data.raw import SeriesSet, Source
    from downstream.predictor import Predictor
    from downstream.represent import Represent
    from downstream.scores import Score, Scores
    from downstream.task import Task

TaskT = TypeVar("TaskT", bound="Task")


class TaskKind(ABC, Generic[TaskT]):
    """Flags and functions of one kind of task; others ask these, never the kind's name.

    Users call the public methods, authors write the underscored ones and import inside them what
    they need: asking for a flag imports neither numpy nor torch.

    Attributes:
        name: As in `downstream.kinds.KINDS`; also the folder's.
        metric: The score that candidates are chosen by.
        higher_is_better: Its direction.
        score_range: The least and the largest value that the metric can take.
        whole_cases: A window is a whole case, so there is no lookback to choose.
        estimator_type: What scikit-learn calls an estimator for it.
        all_for_fitting: Arguments of `load_task` with which data in memory is all for training and validation.
    """

    name: str
    metric: str
    higher_is_better: bool
    score_range: tuple[float, float] = (0.0, math.inf)
    whole_cases: bool = False
    estimator_type: Literal["classifier", "regressor"] | None = None
    all_for_fitting: Mapping[str, Any] = MappingProxyType({})

    @abstractmethod
    def claims(self, content: Source) -> bool:
        """Whether data of this form is read as this kind where the user names none; later kinds are asked first."""

    @final
    def load(self, content: Source, *, stem: str, options: LoadOptions) -> TaskT:
        """Return the task that data stands for; see `load_task`.

        Args:
            content: What the readers give.
            stem: The file's name, by which known sets are recognised.
            options: Choices of the user.

        Raises:
            DataError: If the data is at fault.
        """
        return self._load(content, stem=stem, options=options)

    @final
    def plain_series(self, content: Source, *, options: LoadOptions) -> SeriesSet:
        """Return data without a question as series in their own units; labels are not needed.

        Raises:
            DataError: If the data is at fault.
        """
        return self._plain_series(content, options=options)

    @final
    def validate(self, task: TaskT, represent: Represent, *, rng_seed: int = 0) -> Score:
        """Return the validation score of an encoder; see `evaluation.validate`."""
        score = self._validate(task, represent, rng_seed=rng_seed)
        assert (score.metric, score.higher_is_better) == (self.metric, self.higher_is_better)
        return score

    @final
    def score_test(self, task: TaskT, opened: Any, represent: Represent, *, rng_seed: int = 0) -> Scores:
        """Return the rows of an encoder on the test part; see `evaluation.score_test`."""
        scores = self._score_test(task, opened, represent, rng_seed=rng_seed)
        assert (scores.metric, scores.higher_is_better) == (self.metric, self.higher_is_better)
        return scores

    @final
    def baselines(self, task: TaskT, opened: Any, *, rng_seed: int = 0) -> dict[str, Scores]:
        """Return the rows of the plain methods by name; see `evaluation.baselines`."""
        return self._baselines(task, opened, rng_seed=rng_seed)

    @final
    def fit_predictor(self, task: TaskT, represent: Represent, *, rng_seed: int) -> Predictor:
        """Fit the probe that predicts for a user, on the task's training and validation rows."""
        return self._predictor().fit(task, represent, rng_seed=rng_seed)

    @final
    def restore_predictor(self, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Predictor:
        """Return a fitted probe from what was saved of it; see `Predictor` for what is raised where it does not fit."""
        return self._predictor()(facts, tensors)

    @abstractmethod
    def _load(self, content: Source, *, stem: str, options: LoadOptions) -> TaskT: ...

    @abstractmethod
    def _plain_series(self, content: Source, *, options: LoadOptions) -> SeriesSet: ...

    @abstractmethod
    def _validate(self, task: TaskT, represent: Represent, *, rng_seed: int) -> Score: ...

    @abstractmethod
    def _score_test(self, task: TaskT, opened: Any, represent: Represent, *, rng_seed: int) -> Scores: ...

    @abstractmethod
    def _baselines(self, task: TaskT, opened: Any, *, rng_seed: int) -> dict[str, Scores]: ...

    @abstractmethod
    def _predictor(self) -> type[Predictor]: ...
