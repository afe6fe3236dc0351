"""Sums of products over forecasting rows, for every horizon and normalisation in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from downstream.forecast_rows import Features, Normalization, RowBlock
from downstream.probes.ridge import Moments

RowSums = dict[tuple[Features, Normalization], list[Moments | None]]

# Sums per variate above this many entries (400 MB) are pooled over variates.
MAX_ENTRIES = 50_000_000


def block_moments(
    block: RowBlock,
    *,
    features: Features,
    normalization: Normalization,
    horizons: Sequence[int],
    weigh_by_scale: bool,
) -> list[Moments | None]:
    """Sum the rows of one block, apart for each reach (the longest horizon a row can serve).

    Args:
        block: The rows.
        features: What predicts.
        normalization: Of lags and targets.
        horizons: Forecast lengths, ascending.
        weigh_by_scale: Weigh squared errors back to scaled units: for validation, not for fitting.

    Returns:
        One entry per horizon; None where no row has that reach.
    """
    x, y = block.features(features, normalization), block.normalized_targets(features, normalization)
    outputs = y.shape[2] // block.targets.shape[1]  # per step: all variates in a joint model, else 1
    reach = block.reach.min(axis=1, keepdims=True) if len(x) == 1 else block.reach
    weigh = weigh_by_scale and normalization == "instance"
    assert not (weigh and outputs > 1), "a joint model has no weight per variate, so no instance normalisation"
    sums: list[Moments | None] = []
    for index, horizon in enumerate(horizons):
        rows = np.flatnonzero((reach == index).any(axis=1))
        if len(rows) == 0:
            sums.append(None)
            continue
        weight = (reach[rows] == index).astype(np.float64)
        if weigh:
            weight = weight * block.spread[rows] ** 2
        plain = None if bool(np.all(weight == 1.0)) else torch.as_tensor(np.ascontiguousarray(weight.T))
        sums.append(Moments.of(x[:, rows], y[:, rows, : horizon * outputs], weight=plain))
    return sums


def sum_rows(
    blocks: Iterable[RowBlock],
    *,
    horizons: Sequence[int],
    normalizations: Sequence[Normalization],
    for_validation: bool,
    representation_only: bool = False,
) -> RowSums:
    """Sum rows for all features and normalisations in one pass.

    The sums for raw lags and for the representation are parts of those for both. A row
    that serves a horizon serves all shorter ones, so the sums of a horizon are those of
    its own rows plus the first targets of those of the longer horizons.

    Args:
        blocks: From `row_blocks`.
        horizons: Forecast lengths, ascending.
        normalizations: Of lags and targets; joint models know no `instance`.
        for_validation: Squared errors count in scaled units.
        representation_only: Leave out raw lags, which saves most of the work.

    Returns:
        For (features, normalization) the sums of each horizon.
    """
    totals: dict[tuple[Features, Normalization], list[Moments | None]] = {}
    n_lags = 0
    for block in blocks:
        n_lags = block.lags.shape[1]
        for features in _summed(block, representation_only=representation_only):
            for normalization in normalizations:
                if block.joint and features == "representation" and normalization == "instance":
                    continue
                new = block_moments(
                    block,
                    features=features,
                    normalization=normalization,
                    horizons=horizons,
                    weigh_by_scale=for_validation,
                )
                bounded = [None if one is None else _bounded(one) for one in new]
                old = totals.get((features, normalization), [None] * len(horizons))
                totals[features, normalization] = [_add(a, b) for a, b in zip(old, bounded, strict=True)]
    sums = {key: _cumulate(parts, horizons=horizons) for key, parts in totals.items()}
    joint = any(features == "representation" for features, _ in totals)
    for (features, normalization), moments in list(sums.items()):
        if features == "both":
            sums["raw_lags", normalization] = [one and one.features(slice(0, n_lags)) for one in moments]
            if not joint:
                sums["representation", normalization] = [one and one.features(slice(n_lags, None)) for one in moments]
    return sums


def _summed(block: RowBlock, *, representation_only: bool) -> tuple[Features, ...]:
    """Return the features whose sums cannot be cut out of others."""
    if block.z is None:
        return ("raw_lags",)
    if representation_only:
        return ("representation",)
    return ("both", "representation") if block.joint else ("both",)


def _bounded(moments: Moments) -> Moments:
    """Give up the sums per variate where they would not fit into memory."""
    return moments.pooled() if moments.xx.numel() + moments.xy.numel() > MAX_ENTRIES else moments


def _add(first: Moments | None, second: Moments | None) -> Moments | None:
    return second if first is None else first if second is None else first + second


def _cumulate(parts: Sequence[Moments | None], *, horizons: Sequence[int]) -> list[Moments | None]:
    sums: list[Moments | None] = []
    longer, longer_horizon = None, horizons[-1]
    for own, horizon in zip(reversed(parts), reversed(horizons), strict=True):
        if longer is not None:
            longer = longer.first_targets(longer.y.shape[1] * horizon // longer_horizon)
        longer, longer_horizon = _add(longer, own), horizon
        sums.append(longer)
    return sums[::-1]


def add_sums(first: RowSums, second: RowSums) -> RowSums:
    """Return the sums over the rows of both; either may be empty."""
    keys = {**first, **second}
    length = len(next(iter(keys.values()), []))
    nothing: list[Moments | None] = [None] * length
    return {
        key: [_add(a, b) for a, b in zip(first.get(key, nothing), second.get(key, nothing), strict=True)]
        for key in keys
    }
