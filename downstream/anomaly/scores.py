"""Anomaly scores of rows from the representations of the windows that end at them.

`masked`: how much the representation changes when the last step is hidden, against its own
recent mean (the streaming protocol of TS2Vec). `nearest`: the distance to the nearest
representations of training rows. Larger = more anomalous; both are brought to zero
mean and unit deviation on training rows, series by series.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compute.memory import at_a_time
from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.probes.knn import nearest
from downstream.represent import Represent, flatten_streams, represented
from downstream.windows import Windows

Floats = NDArray[np.floating]

MOVING_STEPS = 21
N_NEIGHBOURS = 3
MAX_REFERENCE = 2000
BLOCK_WINDOWS = 8192
# Bytes for each number of a representation: as it is and with the last step hidden, their difference, flattened.
_COPIES = 24


class ScoredRows(NamedTuple):
    """Scores of some rows of a series, and the labels of the rows, or None; (n,) each."""

    scores: Floats
    labels: NDArray[np.int8] | None

    @classmethod
    def normalized(cls, training: Floats, scores: Floats, *, labels: NDArray[np.int8] | None) -> ScoredRows:
        """Subtract the mean and divide by the deviation of the scores of training rows."""
        mean, deviation = float(np.mean(training)), float(np.std(training))
        return cls((scores - mean) / (deviation if deviation > 1e-12 else 1.0), labels)


Scorer = Callable[..., Mapping[str, ScoredRows]]
"""`(task, rows, *, span, max_training)`: the scores of the rows in a span (a slice of the scored rows), by the name of
the score; the task holds the training rows of the series, of which at most `max_training` are looked at."""


def training_rows(task: AnomalyTask, name: str) -> NDArray[np.float32]:
    """Return the rows of a series that the encoder was trained on, (time, variates).

    Raises:
        ValueError: If the task has no such series.
    """
    if name not in task.names:
        raise ValueError(f"series must be one of {list(task.names)}, got {name!r}")
    number = task.names.index(name)
    return task.series[number][: task.bounds[number]]


def representation_scorer(represent: Represent) -> Scorer:
    """Return the scorer that gives `masked` and `nearest` for an encoder."""

    def score(task: AnomalyTask, rows: LabelledRows, *, span: slice, max_training: int) -> Mapping[str, ScoredRows]:
        """Score a span of the rows in both ways."""
        training = training_rows(task, rows.name)
        first = max(0, len(training) - max_training)
        known = LabelledRows(training, None, context=first, name=rows.name).windows(task.spec.window)
        every = rows.windows(task.spec.window)
        # The moving mean of the first rows reaches into their context.
        lead = min(MOVING_STEPS, rows.context + span.start)
        starts = np.arange(every.starts[span.start] - lead, every.starts[span.stop - 1] + 1, dtype=np.int64)
        asked = Windows(every.values, starts, every.length)
        plain_known = represented(represent, known)
        change_known = _l1(plain_known, represented(represent, known, mask_last=True))
        flat_known = flatten_streams(plain_known)
        change_asked, distances = _over_blocks(represent, asked, known=flat_known, width=plain_known[0].size)
        labels = None if rows.labels is None else rows.labels[span]
        steady = relative_to_recent(change_known)
        # The first training rows have no past to compare with.
        steady = steady[MOVING_STEPS:] if len(steady) > 2 * MOVING_STEPS else steady
        return {
            "masked": ScoredRows.normalized(steady, relative_to_recent(change_asked)[lead:], labels=labels),
            "nearest": ScoredRows.normalized(
                _own_distances(flat_known, window=task.spec.window), distances[lead:], labels=labels
            ),
        }

    return score


def relative_to_recent(values: Floats, *, steps: int = MOVING_STEPS) -> Floats:
    """Return `value / mean of up to `steps` values before it - 1`; 0 for the first, (n,)."""
    if len(values) == 0:
        return np.zeros(0)
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    places = np.arange(1, len(values))
    begins = np.maximum(places - steps, 0)
    recent = (sums[places] - sums[begins]) / (places - begins)
    relative: Floats = np.concatenate([[0.0], values[1:] / np.maximum(recent, 1e-12) - 1.0])
    return relative


def _l1(first: Floats, second: Floats) -> Floats:
    distance: Floats = np.abs(first - second).sum(axis=(1, 2), dtype=np.float64)
    return distance


def _over_blocks(represent: Represent, asked: Windows, *, known: Floats, width: int) -> tuple[Floats, Floats]:
    """Return for each asked window how much hiding its last step changes it, and how far the training rows are.

    The representations of a long series exist block by block only.
    """
    reference = known[_reference_places(known)]
    some = at_a_time(BLOCK_WINDOWS, "row", bytes_each=_COPIES * width)
    changes, distances = [], []
    for first in range(0, asked.n, some):
        block = asked.subset(slice(first, first + some))
        plain = represented(represent, block)
        changes.append(_l1(plain, represented(represent, block, mask_last=True)))
        distances.append(nearest(flatten_streams(plain), reference, k=_neighbours(reference))[0].mean(axis=1))
    return np.concatenate(changes), np.concatenate(distances)


def _reference_places(known: Floats) -> NDArray[np.int64]:
    return np.arange(0, len(known), max(1, -(-len(known) // MAX_REFERENCE)))


def _neighbours(reference: Floats) -> int:
    return min(N_NEIGHBOURS, max(1, len(reference) - 1))


def _own_distances(known: Floats, *, window: int) -> Floats:
    """Return the mean distances of training rows to the nearest others."""
    places = _reference_places(known)
    reference = known[places]
    # A training row must not find itself, nor rows whose windows overlap its own.
    apart = np.abs(np.arange(len(known))[:, None] - places)
    k = _neighbours(reference)
    own, _ = nearest(known, reference, k=k, excluded=apart < window)
    if not np.isfinite(own).all():
        own, _ = nearest(known, reference, k=k, excluded=apart < 1)
    own = own[np.isfinite(own).all(axis=1)]
    distances: Floats = own.mean(axis=1) if len(own) else np.zeros(1)
    return distances
