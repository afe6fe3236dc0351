"""What a task's combination consists of, and what it cannot afford."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering

from compute.memory import at_a_time, is_limited
from downstream.forecasting.combining.members import RidgeMember, lookbacks, near_levels, offsets, ridge_members
from downstream.forecasting.combining.sums import Apart
from downstream.forecasting.rows import fill_gaps
from downstream.forecasting.task import ForecastingTask

MAX_ENTRIES = 40_000_000
"""Numbers in sums that are kept apart for variates (320 MB)."""
MAX_DECOMPOSITIONS = 1.5e11
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
        apart: Of which variates sums of lags are kept apart; None for no group.
        represented_apart: Of which variates sums of representations are.
        left_out: What cannot be afforded, in words.
    """

    n_lags: int
    reference: int
    period: int
    horizons: tuple[int, ...]
    ridges: tuple[RidgeMember, ...]
    apart: Apart | None
    represented_apart: Apart | None
    left_out: tuple[str, ...]

    def apart_of(self, ridge: RidgeMember) -> Apart | None:
        """Return whose sums a ridge is fitted from: None for those of all variates together."""
        if ridge.sharing == "shared":
            return None
        return self.represented_apart if ridge.sees_representation else self.apart

    def lags_of(self, ridge: RidgeMember) -> int:
        """Return how many lags the sums hold that a ridge is fitted from."""
        apart = self.apart_of(ridge)
        if apart is not None:
            return apart.lags
        return self.reference if ridge.sees_representation else self.n_lags


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
    levels = offsets(period, longest=own[-1])
    apart, represented_apart = None, None
    left_out: list[str] = []
    if task.n_targets > 1:
        clusters = _clusters(training, lags=reference)
        apart = _affordable(clusters, lags=reference, width=0, horizons=horizons)
        if width:
            nearest = max(near_levels(levels, reference=reference))
            represented_apart = _affordable(clusters, lags=nearest, width=width, horizons=horizons)
        for each, what in ((apart, "raw lags"), (represented_apart, "the representation")):
            if (width or what == "raw lags") and (each is None or len(each.members) < task.n_targets):
                left_out.append(f"weights for {what} per variate ({task.n_targets} variates)")
    ridges = ridge_members(
        own,
        levels,
        reference=reference,
        width=width,
        one_stream=streams == 1 and task.n_targets > 1,
        apart=apart,
        represented_apart=represented_apart,
    )
    return Plan(own[-1], reference, period, horizons, tuple(ridges), apart, represented_apart, tuple(left_out))


def _affordable(clusters: tuple[int, ...], *, lags: int, width: int, horizons: tuple[int, ...]) -> Apart | None:
    """Return the finest sums that can be afforded: per variate, or else per cluster."""
    d = lags + width
    for groups in (tuple(range(len(clusters))), clusters):
        n_models = max(groups) + 1
        entries = n_models * len(horizons) * d * (d + horizons[-1])
        most = MAX_ENTRIES
        if is_limited():
            most = at_a_time(most, "sum", bytes_each=8 * _SUMS_HELD)
        # about 10 d^3 each, at two levels, of clusters beside variates
        decompositions = 3 * 10.0 * n_models * len(horizons) * d**3
        if n_models > 1 and entries <= most and decompositions <= MAX_DECOMPOSITIONS:
            return Apart(groups, clusters, lags)
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
