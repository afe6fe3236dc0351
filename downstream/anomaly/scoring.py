"""Scores of a representation on an anomaly task: ranking, volume under the surface, events.

What is validated and reported is the score that is handed over (`detection.detector.Detector`); no label chooses
anything in it. Planted anomalies only compare encoders by it.

Arguments of `validate` and `score_test` are those of `evaluation`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from downstream.anomaly.detection.detector import THRESHOLD, THRESHOLD_TEXT, WEIGHTS, Detector, NormalRows
from downstream.anomaly.detection.normal import rows_to_remember
from downstream.anomaly.metrics import event_adjusted, first_alarms, vus_pr
from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.metrics import auc_pr, mean_interval
from downstream.represent import Represent
from downstream.scores import Score, Scores

Floats = NDArray[np.floating]

MAX_LABEL_WINDOWS = 4000
DELAY = 7
FEWEST_ROWS = 64


class Scored(NamedTuple):
    """Scores of the rows of one series by name (the one that counts is `""`), and labels, or None; (n,) each."""

    scores: Mapping[str, Floats]
    labels: NDArray[np.int8] | None


Scorer = Callable[[NormalRows], Callable[[LabelledRows], Mapping[str, Floats]]]
"""From normal rows of a series to what scores other rows of it, by name; the threshold of the one that counts is 1."""


def detector_scorer(
    task: AnomalyTask,
    represent: Represent | None,
    *,
    weights: Mapping[str, float] = WEIGHTS,
    max_known: int | None = None,
) -> Scorer:
    """Return the scorer of a detector with these parts."""
    limit = {} if max_known is None else {"max_known": max_known}

    def fitted(normal: NormalRows) -> Callable[[LabelledRows], Mapping[str, Floats]]:
        detector = Detector(normal, window=task.spec.window, represent=represent, weights=weights, **limit)

        def score(rows: LabelledRows) -> Mapping[str, Floats]:
            found = detector.strangeness(rows.values, first=rows.context)
            return {"": found.total, **(found.parts if len(weights) > 1 else {})}

        return score

    return fitted


def validate(task: AnomalyTask, represent: Represent, *, rng_seed: int = 0) -> Score:
    """Return the area under the precision-recall curve on validation, mean over series, of the score handed over.

    What is normal are the rows before the validation rows. At most about `MAX_LABEL_WINDOWS` windows are looked at, in
    one contiguous stretch per series.

    Returns:
        The value; details: `vus_pr`, `n_rows`, `n_series`, and of each part its name (its own value).

    Raises:
        ValueError: If no validation series has both normal and anomalous rows.
    """
    del rng_seed
    spans = label_spans(task.validation, limit=MAX_LABEL_WINDOWS // 2)
    if not spans:
        raise ValueError(f"{task.spec.name}: no validation series has both normal and anomalous rows")
    per_series = max(FEWEST_ROWS, MAX_LABEL_WINDOWS // 2 // len(spans))
    scorer = detector_scorer(task, represent, max_known=per_series)
    scored = []
    for rows, span in spans:
        score = scorer(NormalRows(training_rows(task, rows.name)))
        scored.append(Scored(score(rows.part(span)), rows.labels[span]))  # type: ignore[index]  # spans have labels
    details = {name: _ranking(scored, name, task)["auc_pr"] for name in scored[0].scores if name}
    total = _ranking(scored, "", task)
    details["vus_pr"] = total["vus_pr"]
    details["n_rows"] = float(sum(span.stop - span.start for _, span in spans))
    details["n_series"] = float(len(spans))
    return Score.of(task.spec, total["auc_pr"], details)


def training_rows(task: AnomalyTask, name: str) -> NDArray[np.float32]:
    """Return the rows of a series that the encoder was trained on, (time, variates)."""
    number = task.number_of(name)
    return task.series[number][: task.bounds[number]]


def label_spans(validation: Sequence[LabelledRows], *, limit: int) -> list[tuple[LabelledRows, slice]]:
    """Return one contiguous stretch of rows with both labels per series, together at most about `limit` rows.

    With more series than the limit has room for, the first ones are used. A stretch is placed where its
    share of anomalies is closest to that of the whole series.
    """
    usable = [(rows, rows.labels) for rows in validation if has_both(rows.labels)][: max(1, limit // FEWEST_ROWS)]
    spans = []
    for rows, labels in usable:
        length = min(rows.n, max(FEWEST_ROWS, limit // len(usable)))
        sums = np.concatenate([[0], np.cumsum(labels == 1)])
        counts = sums[length:] - sums[:-length]
        wanted = length * sums[-1] / rows.n
        # A stretch with one label only cannot be judged.
        cost = np.where((counts > 0) & (counts < length), np.abs(counts - wanted), np.inf)
        if np.isinf(cost).all():
            spans.append((rows, slice(0, rows.n)))
            continue
        start = int(np.argmin(cost))
        spans.append((rows, slice(start, start + length)))
    return spans


def score_test(task: AnomalyTask, opened: Sequence[LabelledRows], represent: Represent, *, rng_seed: int = 0) -> Scores:
    """Score every test row, by what all training rows of the series say is normal.

    Returns:
        `auc_pr`, `vus_pr`, `event_f1`, `event_precision`, `event_recall` of the score that is handed over, `auc_pr` and
        `vus_pr` of each of its parts with the part's name in front; means over the series with both labels.
    """
    del rng_seed
    parts = ", ".join(f"{name} {weight:g}" for name, weight in WEIGHTS.items())
    return score_test_scorer(task, opened, detector_scorer(task, represent), settings={"parts": parts})


def score_test_scorer(
    task: AnomalyTask, opened: Sequence[LabelledRows], scorer: Scorer, *, settings: Mapping[str, str] | None = None
) -> Scores:
    """Return the rows of a report for any scorer; see `score_test`."""
    normal = rows_to_remember(task)
    scored = [Scored(scorer(normal[task.number_of(rows.name)])(rows), rows.labels) for rows in opened if rows.n]
    judged = [each for each in scored if has_both(each.labels)]
    metrics: dict[str, float] = {}
    for name in scored[0].scores if scored else ():
        front = f"{name}." if name else ""
        metrics.update({f"{front}{metric}": value for metric, value in _ranking(judged, name, task).items()})
    if scored:
        metrics.update(_events(judged))
    facts: dict[str, str | int | float] = {
        "dataset": task.spec.name,
        "protocol": task.spec.protocol,
        "window": task.spec.window,
        "n_windows": sum(rows.n for rows in opened),
        "n_series": len(opened),
        "n_series_judged": len(judged),
        "vus_buffer": buffer_steps(task),
        "scaler_rows": task.scaler.n_rows_seen,
    }
    chosen = {"threshold": THRESHOLD_TEXT, "delay": str(DELAY), **(settings or {})}
    by_series = [auc_pr(each.labels, each.scores[""]) for each in judged if has_both(each.labels)]
    return Scores.of(task.spec, metrics, settings=chosen, protocol=facts, interval=mean_interval(by_series))


def buffer_steps(task: AnomalyTask) -> int:
    """Return the largest buffer of VUS-PR: the window, kept within 10..100 steps."""
    return int(np.clip(task.spec.window, 10, 100))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _ranking(series: Sequence[Scored], name: str, task: AnomalyTask) -> dict[str, float]:
    pairs = [(labels, scores[name]) for scores, labels in series if has_both(labels)]
    return {
        "auc_pr": _mean([auc_pr(labels, scores) for labels, scores in pairs]),
        "vus_pr": _mean([vus_pr(labels, scores, max_buffer=buffer_steps(task)) for labels, scores in pairs]),
    }


def _events(series: Sequence[Scored]) -> dict[str, float]:
    """Return event-adjusted figures at the label-free threshold; an alarm silences the delay behind it."""
    events = [
        event_adjusted(labels, first_alarms(scores[""] > THRESHOLD, delay=DELAY), delay=DELAY)
        for scores, labels in series
        if has_both(labels)
    ]
    return {
        "event_f1": _mean([each.f1 for each in events]),
        "event_precision": _mean([each.precision for each in events]),
        "event_recall": _mean([each.recall for each in events]),
    }


def has_both(labels: NDArray[np.int8] | None) -> TypeGuard[NDArray[np.int8]]:
    """Whether ranking can be judged by these labels: there are normal and anomalous rows."""
    return labels is not None and 0 < int((labels == 1).sum()) < len(labels)
