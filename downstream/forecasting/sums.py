"""Sums of products over forecasting rows, for every horizon and normalisation in one pass."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from compute.memory import at_a_time, is_limited
from downstream.forecasting.rows import Features, Normalization, RowBlock
from downstream.probes.ridge import Moments

RowSums = dict[tuple[Features, Normalization], list[Moments | None]]

# Sums per variate above this many entries (400 MB) are pooled over variates.
MAX_ENTRIES = 50_000_000
# Floating-point operations, about, that one model per variate may cost per setting and horizon.
MAX_PER_VARIATE_COST = 1e10
# What is held at a time: sums of all training rows, of the early and the late ones, and of the validation rows.
_SUMS_HELD = 4


def block_moments(
    block: RowBlock,
    *,
    features: Features,
    normalization: Normalization,
    horizons: Sequence[int],
    weigh_by_scale: bool,
    per_variate: bool,
) -> list[Moments | None]:
    """Sum the rows of one block, apart for each reach (the longest horizon a row can serve).

    Args:
        block: The rows.
        features: What predicts.
        normalization: Of lags and targets.
        horizons: Forecast lengths, ascending.
        weigh_by_scale: Weigh squared errors back to scaled units: for validation, not for fitting.
        per_variate: One group of sums for each variate, not one for all.

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
        some_x, some_y = x[:, rows], y[:, rows, : horizon * outputs]
        if not per_variate:
            some_x, some_y = some_x.flatten(0, 1)[None], some_y.flatten(0, 1)[None]
            plain = None if plain is None else plain.flatten()[None]
        sums.append(Moments.of(some_x, some_y, weight=plain))
    return sums


def sum_rows(
    blocks: Iterable[RowBlock],
    *,
    horizons: Sequence[int],
    normalizations: Sequence[Normalization],
    for_validation: bool,
    representation_only: bool = False,
    per_variate: bool = False,
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
        per_variate: Keep the sums of each variate apart where a model of its own is affordable (`MAX_ENTRIES`,
            `MAX_PER_VARIATE_COST`, and the memory budget where there is one).

    Returns:
        For (features, normalization) the sums of each horizon, one group per variate or one for all.
    """
    totals: dict[tuple[Features, Normalization], list[Moments | None]] = {}
    n_lags = 0
    for block in blocks:
        n_lags = block.lags.shape[1]
        apart = _kept_apart(block, n_sets=len(horizons) * len(normalizations)) if per_variate else set()
        for features in _summed(block, apart, representation_only=representation_only):
            for normalization in normalizations:
                if block.joint and features == "representation" and normalization == "instance":
                    continue
                new = block_moments(
                    block,
                    features=features,
                    normalization=normalization,
                    horizons=horizons,
                    weigh_by_scale=for_validation,
                    per_variate=features in apart,
                )
                old = totals.get((features, normalization), [None] * len(horizons))
                totals[features, normalization] = [_add(a, b) for a, b in zip(old, new, strict=True)]
    sums = {key: _cumulate(parts, horizons=horizons) for key, parts in totals.items()}
    parts_of_both: dict[Features, slice] = {"raw_lags": slice(0, n_lags), "representation": slice(n_lags, None)}
    for (features, normalization), moments in list(sums.items()):
        for part, columns in parts_of_both.items() if features == "both" else ():
            if not any(known == part for known, _ in totals):
                sums[part, normalization] = [whole and whole.features(columns) for whole in moments]
    return sums


def _kept_apart(block: RowBlock, *, n_sets: int) -> set[Features]:
    """Return the features whose sums are kept for each variate."""
    n_variates, steps = block.targets.shape[2], block.targets.shape[1]
    n_lags = block.lags.shape[1]
    widths: dict[Features, int] = {"raw_lags": n_lags}
    if block.z is not None:
        widths |= {"representation": block.z.shape[2], "both": n_lags + block.z.shape[2]}
    most = MAX_ENTRIES
    if is_limited():
        most = at_a_time(most, "sum", bytes_each=8 * _SUMS_HELD * n_sets * len(widths))
    return {
        features
        for features, width in widths.items()
        # an eigendecomposition costs about 10 d^3
        if n_variates * width * (width + steps) <= most and 10.0 * n_variates * width**3 <= MAX_PER_VARIATE_COST
    }


def _summed(block: RowBlock, apart: set[Features], *, representation_only: bool) -> tuple[Features, ...]:
    """Return the features whose sums cannot be cut out of others."""
    if block.z is None:
        return ("raw_lags",)
    if representation_only:
        return ("representation",)
    more: list[Features] = ["representation"] if block.joint else []
    if "both" not in apart:
        more = [part for part in ("raw_lags", "representation") if part in (*apart, *more)]
    return ("both", *more)


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
