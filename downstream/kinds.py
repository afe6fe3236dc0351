"""What a kind of task is: all that the rest of the software asks of it, in one registration; and the kinds, by name.

What a kind is made of is imported on the first question about it, so that this module imports nothing heavy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

KINDS: tuple[str, ...] = ("forecasting", "classification", "anomaly", "regression")
"""Each is a folder of this package with a `kind.py`; data that no later one claims belongs to the first."""


def task_kind(name: str) -> TaskKind:
    """Return the registration of a kind.

    Raises:
        ValueError: If there is no kind of that name.
    """
    if name not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {name!r}")
    kind: TaskKind = import_module(f"downstream.{name}.kind").KIND
    return kind


# What a kind can do: the module of its folder, and the name there.
_FUNCTIONS = {
    "claims": ("build", "claims"),
    "load": ("build", "load"),
    "plain_series": ("build", "plain_series"),
    "validate": ("scoring", "validate"),
    "draw_folds": ("scoring", "draw_folds"),
    "score_test": ("scoring", "score_test"),
    "baselines": ("baselines", "BASELINES"),
    "fit_predictor": ("predictor", "fit"),
    "fit_plain": ("predictor", "fit_plain"),
    "prove": ("predictor", "prove"),
    "held_out_score": ("scoring", "held_out_score"),
    "held_out_losses": ("scoring", "held_out_losses"),
    "folds_tell": ("scoring", "folds_tell"),
    "restore_predictor": ("predictor", "FittedProbe"),
    "examples": ("predictor", "examples"),
}


@dataclass(frozen=True, kw_only=True)
class TaskKind:
    """Flags of one kind of task, and its functions; others ask these, never the kind's name.

    Functions are imported from the kind's folder when they are asked for:

    - `claims(content) -> bool`: whether data of this form is of this kind where the user names none;
    - `load(content, *, stem, options) -> Task`: the task that data stands for; `stem` is the file's name;
    - `plain_series(content, *, options) -> SeriesSet`: data without a question, labels not needed;
    - `validate`, `score_test`, `baselines`: see `evaluation`;
    - `draw_folds(labels, *, rng) -> (n,)`: the folds of one repeat of validation, where a kind validates so;
    - `fit_predictor(task, represent, *, rng_seed) -> Predictor`: the probe that predicts for a user;
    - `fit_plain(task, name, *, rng_seed) -> Predictor | None`: a plain method by its name, where a kind can save it;
    - `prove(task, opened, represent) -> (Scores, Predictor)`: both from one fit, where a kind can;
    - `held_out_score(task, said) -> Score`, `held_out_losses(task, said) -> (n,)`: what is said of cases held out is
      worth, as a whole and case by case, where a kind validates so (`Score.held_out`): its encoders can be combined;
    - `folds_tell(task) -> bool`: whether it may say who belongs into a combination, there;
    - `restore_predictor(facts, tensors) -> Predictor`: the same from what was saved of it;
    - `examples(task, opened, predictor, represent) -> dict`: some of its predictions beside the truth of the test part,
      for a picture: names, numbers, arrays, and under `form` what they are.

    Args:
        name: As in `downstream.kinds.KINDS`; also the folder's.
        metric: The score that candidates are chosen by.
        higher_is_better: Its direction.
        score_version: Changes whenever the score of a trial of this kind means something else.
        score_range: The least and the largest value that the metric can take.
        whole_cases: A window is a whole case, so there is no lookback to choose.
        most_features: Of a representation beyond which its probe takes longer than the encoder itself, as it fits a
            ridge on the products of all of them; None for no such number.
        estimator_type: What scikit-learn calls an estimator for it.
        optional_probes: Probes of the test part that take more than time linear in the cases; where there are any, its
            tasks have `unwanted_probes`.
        all_for_fitting: Arguments of `load_task` with which data in memory is all for training and validation.
        as_seed: Arguments of `load_task` for a seed task, which is never reported.
    """

    name: str
    metric: str
    higher_is_better: bool
    score_version: int = 1
    score_range: tuple[float, float] = (0.0, math.inf)
    whole_cases: bool = False
    most_features: int | None = None
    estimator_type: Literal["classifier", "regressor", "outlier_detector"] | None = None
    optional_probes: tuple[str, ...] = ()
    all_for_fitting: Mapping[str, Any] = field(default_factory=dict)
    as_seed: Mapping[str, Any] = field(default_factory=lambda: {"pool_test": True})

    def __getattr__(self, name: str) -> Any:
        if name not in _FUNCTIONS:
            raise AttributeError(f"a kind of task has no {name!r}")
        module, function = _FUNCTIONS[name]
        return getattr(import_module(f"downstream.{self.name}.{module}"), function)
