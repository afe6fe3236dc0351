"""What a task's combination consists of, and what it cannot afford."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering

from compute.memory import at_a_time, is_limited
from downstream.forecasting.combining.members import RidgeMember, lookbacks, offsets, ridge_members
from downstream.forecasting.combining.sums import Apart
from downstream.forecasting.rows import fill_gaps
from downstream.forecasting.task import ForecastingTask

MAX_ENTRIES = 40_000_000
"""Numbers in sums that are kept apart for variates (320 MB)."""
MAX_DECOMPOSITIONS = 6e10
"""Floating-point operations of the decompositions of models that variates do not share."""
N_CLUSTERS = 4
MOST_CLUSTER_ROWS = 20_000
_SUMS_HELD = 3  # of training rows, of validation rows, and what a block adds


@dataclass(frozen=True)
class Plan:
    """The members of a task, and how their sums are kept.

    Args:
        n_lags: Lags of a row: the longest lookback.
        reference: The task's own lookback.
        period: Steps of a season, 1 for none.
        horizons: Ascending.
        ridges: The ridges.
        apart: Of which variates sums are kept apart; None for no group.
        left_out: What cannot be afforded, in words.
    """

    n_lags: int
    reference: int
    period: int
    horizons: tuple[int, ...]
    ridges: tuple[RidgeMember, ...]
    apart: Apart | None
    left_out: tuple[str, ...]


def plan_members(task: ForecastingTask, horizons: tuple[int, ...], *, streams: int, width: int) -> Plan:
    """Plan from training rows alone.

    Args:
        task: The task.
        horizons: Those that are forecast, ascending.
        streams: Of a representation; 0 without an encoder.
        width: Features of a stream; 0 without an encoder.
    """
    reference = task.spec.raw_lags
    own = lookbacks(reference, train_rows=int(np.median([end for end, _ in task.bounds])))
    training = [values[:end, : task.n_targets] for values, (end, _) in zip(task.series, task.bounds, strict=True)]
    period = task.period
    apart, left_out = None, []
    if task.n_targets > 1:
        apart = _affordable(training, reference=reference, width=width, horizons=horizons)
        if apart is None or len(apart.members) < task.n_targets:
            left_out.append(f"weights per variate ({task.n_targets} variates)")
        if width and (apart is None or not apart.with_representation):
            left_out.append("weights per variate for the representation")
    levels = offsets(period, longest=own[-1])
    one_stream = streams == 1 and task.n_targets > 1
    ridges = ridge_members(own, levels, reference=reference, width=width, one_stream=one_stream, apart=apart)
    return Plan(own[-1], reference, period, horizons, tuple(ridges), apart, tuple(left_out))


def _affordable(
    training: Sequence[NDArray[np.float32]], *, reference: int, width: int, horizons: tuple[int, ...]
) -> Apart | None:
    """Return the finest affordable sums: per variate before groups, with the representation before without."""
    n_variates = training[0].shape[1]
    clusters = _clusters(training, lags=reference)
    alone = tuple(range(n_variates))
    for groups in (alone, clusters):
        for features in dict.fromkeys((width, 0)):
            n_models, d = max(groups) + 1, reference + features
            entries = n_models * len(horizons) * d * (d + horizons[-1])
            most = MAX_ENTRIES
            if is_limited():
                most = at_a_time(most, "sum", bytes_each=8 * _SUMS_HELD)
            decompositions = 2 * 10.0 * n_models * len(horizons) * (reference**3 + features**3)
            if n_models > 1 and entries <= most and decompositions <= MAX_DECOMPOSITIONS:
                return Apart(groups, clusters, reference, features > 0)
    return None


def _clusters(training: Sequence[NDArray[np.float32]], *, lags: int) -> tuple[int, ...]:
    """Return the cluster of each variate: variates whose values repeat alike are together."""
    n_variates = training[0].shape[1]
    if n_variates <= N_CLUSTERS:
        return tuple(0 for _ in range(n_variates))
    longest = max(training, key=len)[-MOST_CLUSTER_ROWS:]
    filled, _ = fill_gaps(longest[None])
    level = filled[0] - filled[0].mean(axis=0)
    reach = min(lags, len(level) - 1)
    spectrum = np.abs(np.fft.rfft(level, n=2 * len(level), axis=0)) ** 2
    correlation = np.fft.irfft(spectrum, axis=0)[: reach + 1]
    correlation = (correlation / np.maximum(correlation[:1], 1e-12)).T  # (variates, lags)
    labels: list[int] = AgglomerativeClustering(n_clusters=N_CLUSTERS).fit_predict(correlation).tolist()
    first_seen = list(dict.fromkeys(labels))
    return tuple(first_seen.index(label) for label in labels)
