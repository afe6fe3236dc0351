"""What a fitted estimator answers with: predictions, and how sure they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if

from compute.global_state import plain_torch
from downstream.kinds import task_kind
from nas.options.using.predicting import QUANTILES, checked_levels

if TYPE_CHECKING:
    from downstream.predictor import Predictor
    from downstream.scaling import Scaled
    from nas.representer import Representer


def _can(name: str) -> Callable[[PredictingMixin], bool]:
    """Whether what predicts for the kind of an estimator has a method."""
    return lambda estimator: hasattr(task_kind(estimator.kind).restore_predictor, name)


def _detects(estimator: PredictingMixin) -> bool:
    return task_kind(estimator.kind).estimator_type == "outlier_detector"


class PredictingMixin:
    """The methods of `ContrastiveNAS` that predict, with the probe that the search fitted on its frozen encoder."""

    kind: str
    fit: Callable[..., Any]
    _fitted_predictor: Callable[[], Predictor]
    _represent: Callable[[], Representer]
    _scaled: Callable[[Any], list[Scaled]]

    @plain_torch()
    def predict(self, X: Any) -> NDArray[Any]:
        """Predict with a probe on the frozen representation.

        Returns:
            Classification: classes as they came (cases,). Regression: targets in their own unit (cases,). Forecasting:
            the steps after the end of each series in its own unit (cases, variates, horizon). Anomaly: -1 for anomalous
            steps and 1 for the others, as scikit-learn's outlier detectors do, (cases, timepoints).
        """
        return self._fitted_predictor().predict(self._represent(), self._scaled(X))

    @available_if(_can("quantiles"))  # type: ignore[untyped-decorator]
    @plain_torch()
    def predict_quantiles(self, X: Any, levels: Sequence[float] = QUANTILES) -> NDArray[np.float64]:
        """Return quantiles of the steps after the end of each series; forecasting only.

        Args:
            X: As for `fit`.
            levels: Different numbers between 0 and 1.

        Returns:
            In the series' own unit, levels ascending, (levels, cases, variates, horizon).

        Raises:
            OptionError: If a level is no such number.
        """
        probe: Any = self._fitted_predictor()
        wanted = checked_levels(np.atleast_1d(levels).tolist(), name="levels")
        return np.asarray(probe.quantiles(self._represent(), self._scaled(X), wanted))

    @available_if(_can("probabilities"))  # type: ignore[untyped-decorator]
    @plain_torch()
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class of `classes_`, (cases, classes); classification only."""
        probe: Any = self._fitted_predictor()
        return np.asarray(probe.probabilities(self._represent(), self._scaled(X)))

    @available_if(_can("decision"))  # type: ignore[untyped-decorator]
    @plain_torch()
    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return how sure the answer is.

        Returns:
            Classification: log-odds of the second of two classes, (cases,), else of each class, (cases, classes).
            Anomaly: the threshold minus the score of each step, so that anomalies are negative, (cases, timepoints).
        """
        probe: Any = self._fitted_predictor()
        return np.asarray(probe.decision(self._represent(), self._scaled(X)))

    @available_if(_can("score_samples"))  # type: ignore[untyped-decorator]
    @plain_torch()
    def score_samples(self, X: Any) -> NDArray[Any]:
        """Return how normal each step is, as scikit-learn's outlier detectors do, (cases, timepoints); anomaly only."""
        probe: Any = self._fitted_predictor()
        return np.asarray(probe.score_samples(self._represent(), self._scaled(X)))

    @available_if(_detects)  # type: ignore[untyped-decorator]
    def fit_predict(self, X: Any, y: Any = None) -> NDArray[Any]:
        """Fit, and return -1 for the anomalous steps of the same data and 1 for the others; anomaly only."""
        return np.asarray(self.fit(X, y).predict(X))

    @plain_torch()
    def score(self, X: Any, y: Any) -> float:
        """Return accuracy (classification), R2 (regression), minus the mean squared error (forecasting), or AUC-PR.

        Args:
            X: As for `fit`.
            y: True classes or targets (cases,), next steps (cases, variates, at most horizon), or labels of steps
                (cases, timepoints).

        Raises:
            DataError: If the truth does not fit the data.
        """
        return self._fitted_predictor().score(self._represent(), self._scaled(X), y)
