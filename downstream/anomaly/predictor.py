"""The detectors of a task in use: which steps of a series are strange, and in which variates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.anomaly.detection.detector import THRESHOLD, THRESHOLD_TEXT, Detector, NormalRows, Strangeness
from downstream.anomaly.detection.normal import MOST_ROWS, rows_to_remember
from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.errors import DataError
from downstream.metrics import auc_pr
from downstream.predictor import Predictor, Series, check_length, stacked
from downstream.represent import Represent
from downstream.scaling import Scaled

PICTURED = 3
MOST_STEPS = 2000
MOST_VARIATES = 3
"""Series, steps and variates of one in a picture."""


class Detection(NamedTuple):
    """What is said of the steps of one series.

    Attributes:
        scores: Larger is stranger; 1 is what one in a hundred normal steps exceeds, float64 (time,).
        flags: Whether the score is above the threshold, bool (time,).
        contributions: How much of the strangeness is each variate's, by the parts of the score that know variates
            apart; each row sums to 1, float32 (time, variates).
    """

    scores: NDArray[np.float64]
    flags: NDArray[np.bool_]
    contributions: NDArray[np.float32]


def fit(task: AnomalyTask, represent: Represent, *, rng_seed: int) -> FittedProbe:
    """Remember the training rows of each series; their own scores will say what is usual. No label is looked at."""
    del represent, rng_seed  # the rows are remembered, not what an encoder makes of them
    normal = rows_to_remember(task)
    facts = {
        "window": task.spec.window,
        "firsts": [rows.first for rows in normal],
        "lengths": [len(rows.values) for rows in normal],
    }
    return FittedProbe(facts, {"rows": torch.as_tensor(np.concatenate([rows.values for rows in normal]))})


def examples(
    task: AnomalyTask, opened: Sequence[LabelledRows], predictor: FittedProbe, represent: Represent
) -> dict[str, Any]:
    """Return series of the test part with the score of each step; see `TaskKind`.

    At most `PICTURED` series, those with labelled anomalies first; of a long one a stretch of `MOST_STEPS` around its
    first anomaly.

    Returns:
        `panels`, each with `name`, `first` (scored row of the test part that the stretch begins with), `variates`,
        `values` (variates, steps), `scores` (steps,) and `labels` (steps,) or None; and `threshold`.
    """
    judged = sorted((rows for rows in opened if rows.n), key=lambda rows: rows.labels is None or not rows.labels.any())
    panels = []
    for rows in judged[:PICTURED]:
        labels = rows.labels
        centre = int(np.argmax(labels)) if labels is not None and labels.any() else rows.n
        first = min(max(0, centre - MOST_STEPS // 2), max(0, rows.n - MOST_STEPS))
        part = rows.part(slice(first, min(first + MOST_STEPS, rows.n)))
        number = task.number_of(rows.name)
        known = Scaled(part.values, task.scaler.mean[number], task.scaler.deviation[number], known=number)
        strange = predictor.strangeness(represent, known, first=part.context)
        shown = known.inverse(part.values[part.context :])[:, :MOST_VARIATES]
        panels.append(
            {
                "name": rows.name,
                "first": first,
                "variates": list(task.variates[:MOST_VARIATES]),
                "values": shown.T,
                "scores": strange.total,
                "labels": None if part.labels is None else part.labels.astype(np.int64),
            }
        )
    return {"form": "scores", "threshold": predictor.threshold, "panels": panels}


class FittedProbe(Predictor):
    """Scores of steps beside the normal rows of their series, by scikit-learn's conventions for outliers.

    A series that training did not know is compared with itself (its last 16,000 steps): each window with those that do
    not overlap it. So what happens in it only once is strange, and one step in a hundred lies above the threshold.
    Where it is as long as a window or shorter, there is nothing to compare with, and all its steps score alike.
    """

    @property
    def threshold(self) -> float:
        """The score above which a step is called strange."""
        return THRESHOLD

    @property
    def threshold_text(self) -> str:
        """How the threshold was chosen, in one sentence."""
        return f"No label was looked at: {THRESHOLD_TEXT}."

    def detect(self, represent: Represent, series: Series) -> list[Detection]:
        """Return scores, flags and contributions of every step of each series.

        Raises:
            DataError: If a series has not the variates of training.
        """
        found = []
        before: tuple[int | None, Detector | None] = (None, None)
        for each in series:
            # Neighbours in a list are often the same series; all detectors at once would not fit.
            known, detector = before
            if detector is None or known is None or each.known != known:
                detector = self._detector(represent, each)
            before = (each.known, detector)
            strange = detector.strangeness(each.values)
            found.append(Detection(strange.total, strange.total > self.threshold, strange.shares))
        return found

    def strangeness(self, represent: Represent, series: Scaled, *, first: int) -> Strangeness:
        """Return what is strange about the steps of a series from `first` on; those before are context."""
        return self._detector(represent, series).strangeness(series.values, first=first)

    def predict(self, represent: Represent, series: Series) -> NDArray[Any]:
        """Return 1 (normal) or -1 (anomaly) per step, (series, time); an array of arrays where lengths differ."""
        return stacked([np.where(each.flags, -1, 1) for each in self.detect(represent, series)])

    def score_samples(self, represent: Represent, series: Series) -> NDArray[Any]:
        """Return minus the score of each step, (series, time), as `predict` does."""
        return stacked([-each.scores for each in self.detect(represent, series)])

    def decision(self, represent: Represent, series: Series) -> NDArray[Any]:
        """Return threshold less score of each step, negative for anomalies, (series, time), as `predict` does."""
        return stacked([self.threshold - each.scores for each in self.detect(represent, series)])

    def score(self, represent: Represent, series: Series, truth: Any) -> float:
        """Return the mean area under the precision-recall curve over the series whose labels are not all equal."""
        labels = _labels_of(truth, lengths=[len(each.values) for each in series])
        pairs = zip(labels, self.detect(represent, series), strict=True)
        return float(np.mean([auc_pr(known, each.scores) for known, each in pairs if 0 < known.sum() < len(known)]))

    def _detector(self, represent: Represent, series: Scaled) -> Detector:
        """Return the detector of the training series that this one is, or of the series itself."""
        rows, window = self.tensors["rows"].numpy(), self.facts["window"]
        if series.values.shape[1] != rows.shape[1]:
            raise DataError(f"detection needs the {rows.shape[1]} variates of training, got {series.values.shape[1]}")
        if series.known is None:
            late = max(0, len(series.values) - MOST_ROWS)
            return Detector(NormalRows(series.values[late:], first=late), window=window, represent=represent)
        firsts, lengths = self.facts["firsts"], self.facts["lengths"]
        begin = sum(lengths[: series.known])
        normal = NormalRows(rows[begin : begin + lengths[series.known]], first=firsts[series.known])
        return Detector(normal, window=window, represent=represent)

    def _check(self) -> None:
        check_length(self.facts, "window")
        firsts, lengths, rows = self.facts["firsts"], self.facts["lengths"], self.tensors["rows"]
        if not _are_counts(firsts, least=0) or not _are_counts(lengths, least=1) or len(firsts) != len(lengths):
            raise ValueError("firsts and lengths must be lists of as many whole numbers")
        if rows.ndim != 2 or rows.shape[1] < 1 or len(rows) != sum(lengths) or not len(rows):
            raise ValueError(f"rows must be (time, variates) with {sum(lengths)} steps, got {tuple(rows.shape)}")
        if rows.dtype != torch.float32 or torch.isinf(rows).any():
            raise ValueError("rows must be finite or missing, in single precision")


def _are_counts(values: Any, *, least: int) -> bool:
    whole = isinstance(values, list) and all(isinstance(each, int) and not isinstance(each, bool) for each in values)
    return whole and all(each >= least for each in values)


def _labels_of(truth: Any, *, lengths: list[int]) -> list[NDArray[np.int64]]:
    """Return the labels of each series, (time,) each; those of one series may stand alone.

    Raises:
        DataError: If they do not fit the series, are not 0 or 1, or are the same for all steps of every series.
    """
    rows = [truth] if len(lengths) == 1 and len(truth) == lengths[0] and np.ndim(truth[0]) == 0 else list(truth)
    labels = [np.asarray(row) for row in rows]
    if [row.shape for row in labels] != [(length,) for length in lengths]:
        raise DataError(
            f"the truth must be a label per step of {len(lengths)} series of {', '.join(map(str, lengths[:4]))} steps, "
            f"got shapes {', '.join(str(row.shape) for row in labels[:4])}"
        )
    if not all(np.isin(row, (0, 1)).all() for row in labels):
        raise DataError("the truth must be 0 (normal) or 1 (anomaly) in every step")
    if not any(0 < row.sum() < len(row) for row in labels):
        raise DataError("the truth is the same in all steps; a score needs normal steps and anomalies in one series")
    return [row.astype(np.int64) for row in labels]
