"""Anomalies planted into normal rows, so that an encoder can be chosen without real labels."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Segment = NDArray[np.float32]


class Planted(NamedTuple):
    """Changed rows `values` float32 (time, variates), and `labels` int8 (time,): 1 where a row was changed."""

    values: NDArray[np.float32]
    labels: NDArray[np.int8]


def plant_anomalies(values: NDArray[np.float32], *, rng: np.random.Generator, longest: int = 32) -> Planted:
    """Plant spikes, level shifts, noise bursts and flat segments, evenly mixed, into a copy of the rows.

    The rows are divided into slots; each slot gets one event of at most a fifth
    of its length, in a random non-empty set of variates. Missing values stay
    missing. The idea of choosing models by synthetic anomalies is Goswami et
    al. 2023, arXiv:2210.01078; kinds and sizes are ours.

    Args:
        values: Scaled rows (sizes of events are in standard deviations), (time, variates).
        rng: Decides places, variates and sizes.
        longest: Most rows of one event.

    Returns:
        The changed rows and their labels; at least one row is labelled 1.

    Raises:
        ValueError: If there are fewer than 2 rows (one has to stay normal).
    """
    n_rows = len(values)
    if n_rows < 2:
        raise ValueError(f"plant_anomalies needs at least 2 rows, got {n_rows}")
    changed = values.copy()
    labels = np.zeros(n_rows, dtype=np.int8)
    n_events = int(np.clip(n_rows // max(4 * longest, 1), min(len(EVENTS), max(1, n_rows // 10)), 60))
    edges = np.linspace(0, n_rows, n_events + 1).astype(np.int64)
    order = rng.permutation(n_events) % len(EVENTS)
    kinds = tuple(EVENTS)
    for number, (first, end) in enumerate(pairwise(edges)):
        kind = kinds[order[number]]
        room = max(1, min(longest, int(end - first) // 5))
        length = (
            int(rng.integers(1, min(3, room) + 1)) if kind == "spike" else int(rng.integers(-(-room // 2), room + 1))
        )
        start = int(rng.integers(first, end - length + 1))
        touched = np.asarray(rng.random(values.shape[1]) < 0.5)
        touched[rng.integers(values.shape[1])] = True
        rows = slice(start, start + length)
        changed[rows, touched] = EVENTS[kind](changed[rows, touched], rng)
        labels[rows] = 1
    return Planted(changed, labels)


def _spike(segment: Segment, rng: np.random.Generator) -> Segment:
    return segment + _signed(rng, low=2.0, high=5.0, width=segment.shape[1])


def _level_shift(segment: Segment, rng: np.random.Generator) -> Segment:
    return segment + _signed(rng, low=0.5, high=2.0, width=segment.shape[1])


def _noise_burst(segment: Segment, rng: np.random.Generator) -> Segment:
    size = rng.uniform(0.3, 1.5)
    return segment + (size * rng.standard_normal(segment.shape)).astype(np.float32)


def _flat_segment(segment: Segment, rng: np.random.Generator) -> Segment:
    return np.where(np.isnan(segment), np.float32(np.nan), segment[:1]).astype(np.float32)


def _signed(rng: np.random.Generator, *, low: float, high: float, width: int) -> Segment:
    sign = rng.choice(np.array([-1.0, 1.0]), size=width)
    return (sign * rng.uniform(low, high, size=width)).astype(np.float32)


EVENTS: Mapping[str, Callable[[Segment, np.random.Generator], Segment]] = MappingProxyType(
    {"spike": _spike, "level_shift": _level_shift, "noise_burst": _noise_burst, "flat_segment": _flat_segment}
)
