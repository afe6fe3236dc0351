"""Scores of a representation on an anomaly task: ranking, volume under the surface, events.

Which score is used (`masked` or `nearest`) is chosen on validation. Both are reported there;
the better of two on the same rows is slightly optimistic, alike for every candidate.
The threshold never sees a label: mean plus four deviations of training scores.

Arguments of `validate` and `score_test` are those of `evaluation`.
"""

from collections.abc import Mapping, Sequence
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from downstream.anomaly.metrics import event_adjusted, first_alarms, vus_pr
from downstream.anomaly.scores import ScoredRows, Scorer, representation_scorer
from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.metrics import auc_pr
from downstream.represent import Represent
from downstream.scores import Score, Scores

MAX_LABEL_WINDOWS = 4000
MAX_TRAINING_WINDOWS = 4000
THRESHOLD = 4.0
DELAY = 7
FEWEST_ROWS = 64


def validate(task: AnomalyTask, represent: Represent, *, rng_seed: int = 0) -> Score:
    """Return the area under the precision-recall curve on validation, mean over series, of the better score.

    At most about `MAX_LABEL_WINDOWS` windows are scored, in one contiguous stretch per series.

    Returns:
        The value; details: `masked`, `nearest` (the value of each score), `masked_vus_pr`, `nearest_vus_pr`, `n_rows`,
        `n_series`.

    Raises:
        ValueError: If no validation series has both normal and anomalous rows.
    """
    del rng_seed
    return validate_scorer(task, representation_scorer(represent))


def validate_scorer(task: AnomalyTask, scorer: Scorer) -> Score:
    """Return the validation score of any scorer; see `validate`."""
    spans = label_spans(task.validation, limit=MAX_LABEL_WINDOWS // 2)
    if not spans:
        raise ValueError(f"{task.spec.name}: no validation series has both normal and anomalous rows")
    per_series = max(FEWEST_ROWS, MAX_LABEL_WINDOWS // 2 // len(spans))
    scored = [scorer(task, rows, span=span, max_training=per_series) for rows, span in spans]
    details: dict[str, float] = {}
    values = {}
    for name in scored[0]:
        ranking = _ranking([each[name] for each in scored], max_buffer=buffer_steps(task))
        values[name] = details[name] = ranking["auc_pr"]
        details[f"{name}_vus_pr"] = ranking["vus_pr"]
    details["n_rows"] = float(sum(span.stop - span.start for _, span in spans))
    details["n_series"] = float(len(spans))
    return Score.of(task.spec, max(values.values()), details)


def chosen_score(score: Score, names: Sequence[str]) -> str:
    """Return the name of the anomaly score that was best on validation; of equals, the first."""
    return max(names, key=lambda name: score.details[name])


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
    """Choose the score on validation, then score every test row.

    Returns:
        `auc_pr`, `vus_pr`, `event_f1`, `event_precision`, `event_recall` of the chosen score, and of each score with
        its name in front; means over the series with both labels.
    """
    del rng_seed
    return score_test_scorer(task, opened, representation_scorer(represent))


def score_test_scorer(task: AnomalyTask, opened: Sequence[LabelledRows], scorer: Scorer) -> Scores:
    """Return the rows of a report for any scorer; see `score_test`."""
    validation = validate_scorer(task, scorer)
    scored: list[Mapping[str, ScoredRows]] = [
        scorer(task, rows, span=slice(0, rows.n), max_training=MAX_TRAINING_WINDOWS) for rows in opened if rows.n
    ]
    names = list(scored[0]) if scored else []
    metrics: dict[str, float] = {}
    settings = {"threshold": f"mean + {THRESHOLD:g} sd of training scores", "delay": str(DELAY)}
    judged: list[int] = []
    for name in names:
        series = [each[name] for each in scored if has_both(each[name].labels)]
        judged.append(len(series))
        figures = {**_ranking(series, max_buffer=buffer_steps(task)), **_events(series)}
        metrics.update({f"{name}.{metric}": value for metric, value in figures.items()})
    if names:
        best = chosen_score(validation, names)
        settings["score"] = best
        settings["validation"] = ", ".join(f"{name} {validation.details[name]:.4f}" for name in names)
        for key, value in list(metrics.items()):
            if key.startswith(f"{best}."):
                metrics[key.removeprefix(f"{best}.")] = value
    facts: dict[str, str | int | float] = {
        "dataset": task.spec.name,
        "protocol": task.spec.protocol,
        "window": task.spec.window,
        "n_windows": sum(rows.n for rows in opened),
        "n_series": len(opened),
        "n_series_judged": max(judged, default=0),
        "vus_buffer": buffer_steps(task),
        "scaler_rows": task.scaler.n_rows_seen,
    }
    return Scores.of(task.spec, metrics, settings=settings, protocol=facts)


def buffer_steps(task: AnomalyTask) -> int:
    """Return the largest buffer of VUS-PR: the window, kept within 10..100 steps."""
    return int(np.clip(task.spec.window, 10, 100))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _ranking(series: Sequence[ScoredRows], *, max_buffer: int) -> dict[str, float]:
    pairs = [(labels, scores) for scores, labels in series if has_both(labels)]
    return {
        "auc_pr": _mean([auc_pr(labels, scores) for labels, scores in pairs]),
        "vus_pr": _mean([vus_pr(labels, scores, max_buffer=max_buffer) for labels, scores in pairs]),
    }


def _events(series: Sequence[ScoredRows]) -> dict[str, float]:
    """Return event-adjusted figures at the label-free threshold; an alarm silences the delay behind it."""
    events = [
        event_adjusted(labels, first_alarms(scores > THRESHOLD, delay=DELAY), delay=DELAY)
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
