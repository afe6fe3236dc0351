"""Scores of anomaly detectors that respect events: VUS-PR and event-adjusted F1."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]


class EventScores(NamedTuple):
    """Point-wise precision, recall and F1 after the adjustment by events."""

    precision: float
    recall: float
    f1: float


def events(labels: Integers) -> NDArray[np.int64]:
    """Return the first and last step of each run of ones, (n_events, 2)."""
    edges = np.diff(np.concatenate([[0], (np.asarray(labels) == 1).astype(np.int64), [0]]))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1], axis=1)


def vus_pr(labels: Integers, scores: Floats, *, max_buffer: int, n_thresholds: int = 250) -> float:
    """Volume under the precision-recall surface.

    Events get buffers on both sides in which the label falls off as
    sqrt(1 - distance / buffer), so that a near miss counts a little; the area
    under the range precision-recall curve is averaged over buffers 0..max_buffer.
    Each buffer costs two cumulative sums, as predictions are prefixes of one order.
    The area is a sum of steps, as for average precision. Values are those of TSB-AD's
    leaderboard, which counts of the buffers only what is found into the length that
    recall is a share of; aeon counts all of it, sums trapezoids, and its slope behind
    an event is one step shorter.

    Source: Paparrizos et al., "Volume under the surface", VLDB 2022, section 4.

    Args:
        labels: 1 inside events, else 0, (time,).
        scores: Larger = more anomalous, (time,).
        max_buffer: Largest buffer in steps, >= 0.
        n_thresholds: Points on each curve, equally spaced in rank.

    Returns:
        A number in 0..1; NaN when there is no event.

    Raises:
        ValueError: If the shapes differ or the buffer is negative.
    """
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if labels.shape != scores.shape:
        raise ValueError(f"vus_pr: labels and scores must agree in shape, got {labels.shape} and {scores.shape}")
    if max_buffer < 0:
        raise ValueError(f"vus_pr: max_buffer must be >= 0, got {max_buffer}")
    spans = events(labels)
    if len(spans) == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ascending = scores[order[::-1]]
    ranks = np.linspace(0, len(scores) - 1, n_thresholds).astype(np.int64)
    thresholds = scores[order[ranks]]
    n_predicted = len(scores) - np.searchsorted(ascending, thresholds, side="left")
    hard = (labels == 1).astype(np.float64)
    areas = []
    for buffer in range(max_buffer + 1):
        soft = soft_labels(labels, spans=spans, buffer=buffer)
        hits = np.cumsum(soft[order])[n_predicted - 1]
        inside = np.cumsum(hard[order])[n_predicted - 1]
        # The mean of the plain and the softened event length keeps recall near 0..1 (eq. of the paper for P).
        mass = hard.sum() + (hits - inside) / 2
        merged = _merged(spans, reach=buffer // 2, n_steps=len(labels))
        peaks = np.sort([scores[first : last + 1].max() for first, last in merged])
        share_found = (len(peaks) - np.searchsorted(peaks, thresholds, side="left")) / len(peaks)
        recall = np.minimum(hits / mass, 1.0) * share_found
        areas.append(float(np.diff(recall, prepend=0.0) @ (hits / n_predicted)))  # one precision-recall curve
    return float(np.mean(areas))


def soft_labels(labels: Integers, *, spans: NDArray[np.int64], buffer: int) -> NDArray[np.float64]:
    """Return labels with both sides of each event softened over half the buffer, (time,)."""
    soft: NDArray[np.float64] = (np.asarray(labels) == 1).astype(np.float64)
    reach = np.arange(1, buffer // 2 + 1)
    if len(reach) == 0:
        return soft
    slope = np.sqrt(1.0 - reach / buffer)
    for places in (spans[:, 1:] + reach, spans[:, :1] - reach):
        inside = (places >= 0) & (places < len(soft))
        np.add.at(soft, places[inside], np.broadcast_to(slope, places.shape)[inside])
    return np.asarray(np.minimum(soft, 1.0))


def _merged(spans: NDArray[np.int64], *, reach: int, n_steps: int) -> NDArray[np.int64]:
    """Return events widened by `reach` steps, those that touch joined, (n, 2)."""
    splits = np.flatnonzero(spans[:-1, 1] + reach < spans[1:, 0] - reach)
    firsts = np.maximum(spans[np.append(0, splits + 1), 0] - reach, 0)
    lasts = np.minimum(spans[np.append(splits, len(spans) - 1), 1] + reach, n_steps - 1)
    return np.stack([firsts, lasts], axis=1)


def first_alarms(detections: NDArray[Any], *, delay: int = 7) -> NDArray[np.int64]:
    """Keep an alarm only if none was kept in the `delay` steps before it, (time,)."""
    kept = np.zeros(len(detections), dtype=np.int64)
    next_free = 0
    for step in np.flatnonzero(detections):
        if step >= next_free:
            kept[step] = 1
            next_free = int(step) + delay + 1
    return kept


def event_adjusted(labels: Integers, detections: Integers, *, delay: int = 7) -> EventScores:
    """Precision, recall and F1 where an event found in time counts as found at all its steps.

    An event counts as found when an alarm falls on its first `delay + 1` steps;
    its other alarms are dropped. Alarms outside events stay as they are.

    Source: Ren et al., KDD 2019 (the evaluation that TS2Vec follows).

    Args:
        labels: 1 inside events, else 0, (time,).
        detections: 1 for an alarm, else 0, (time,).
        delay: Steps after the start of an event in which an alarm is still of use.

    Raises:
        ValueError: If the shapes differ.
    """
    labels, detections = np.asarray(labels), np.asarray(detections)
    if labels.shape != detections.shape:
        raise ValueError(
            f"event_adjusted: labels and detections must agree in shape, got {labels.shape} and {detections.shape}"
        )
    adjusted = (detections != 0).astype(np.int64)
    for first, last in events(labels):
        adjusted[first : last + 1] = int(np.any(detections[first : min(first + delay, last) + 1]))
    hits = float(np.sum(adjusted * (labels == 1)))
    precision = hits / max(float(adjusted.sum()), 1.0)
    recall = hits / max(float(np.sum(labels == 1)), 1.0)
    return EventScores(precision, recall, 2 * precision * recall / max(precision + recall, 1e-12))
