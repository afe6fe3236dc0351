"""Sums of products over rows of lags and representation side by side, from which all ridges are fitted."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from downstream.forecasting.rows import RowBlock
from downstream.probes.ridge import Moments

Sharing = Literal["shared", "grouped", "per variate"]


@dataclass(frozen=True)
class Apart:
    """Of which variates sums are kept apart, for weights that not all variates share.

    Args:
        groups: The group of each variate, numbered from 0; each its own, or the clusters themselves.
        clusters: The cluster of each variate.
        lags: So many last lags are summed, and the representation where rows hold one.
    """

    groups: tuple[int, ...]
    clusters: tuple[int, ...]
    lags: int

    @property
    def members(self) -> list[list[int]]:
        """The variates of each group."""
        return [
            [variate for variate, own in enumerate(self.groups) if own == group]
            for group in range(max(self.groups) + 1)
        ]

    @property
    def sharings(self) -> tuple[Sharing, ...]:
        """What weights can be shared over, but for all variates."""
        n_variates, n_clusters = len(self.groups), max(self.clusters) + 1
        finest: tuple[Sharing, ...] = ("per variate",) if len(self.members) == n_variates else ()
        return (*finest, "grouped") if 1 < n_clusters < n_variates else finest

    def models(self, sharing: Sharing) -> tuple[int, ...]:
        """Return the number of the model of each variate."""
        return self.groups if sharing == "per variate" else self.clusters

    def of_models(self, moments: Moments, sharing: Sharing) -> list[Moments]:
        """Return the sums of each model, from those of the groups."""
        if sharing == "per variate" or self.groups == self.clusters:
            return [moments.group(index) for index in range(len(moments.count))]
        found = []
        for cluster in range(max(self.clusters) + 1):
            variates = [variate for variate, own in enumerate(self.clusters) if own == cluster]
            found.append(functools.reduce(operator.add, [moments.group(variate) for variate in variates]))
        return found


@dataclass(frozen=True)
class MemberSums:
    """Sums for every horizon: of the rows with all targets up to it.

    Args:
        whole: Over all variates; None where no row has room.
        apart: Over the variates of each group; None where nothing is kept apart, or no row has room.
    """

    whole: list[Moments | None]
    apart: list[Moments | None]


def sum_members(
    blocks: Iterable[RowBlock],
    *,
    horizons: Sequence[int],
    lags: int,
    apart: Apart | None,
    representation: bool = True,
) -> MemberSums:
    """Sum rows in one pass; for each horizon the targets are the steps between the horizon before it and itself.

    Args:
        blocks: From `row_blocks`.
        horizons: Forecast lengths, ascending.
        lags: So many last lags are summed.
        apart: Which variates' sums are kept apart too.
        representation: Whether the representation of the rows is summed, where they hold one.
    """
    whole: list[Moments | None] = [None] * len(horizons)
    groups = list(whole)
    for block in blocks:
        x, y, n_lags = block.joined(), block.steps_ahead(), block.lags.shape[1]
        x = x[:, :, n_lags - lags : None if representation else n_lags]
        for index, horizon in enumerate(horizons):
            weight = torch.as_tensor((block.reach == index).T)  # (variates, n)
            rows = weight.any(0)
            if not bool(rows.any()):
                continue
            some_x, some_y, counts = x[:, rows], y[:, rows, :horizon], weight[:, rows]
            whole[index] = _add(whole[index], Moments.pooled_rows(some_x, some_y, counts))
            if apart is not None:
                near = some_x[:, :, lags - apart.lags :]
                each = [Moments.pooled_rows(near[own], some_y[own], counts[own]) for own in apart.members]
                groups[index] = _add(groups[index], Moments.side_by_side(each))
    return MemberSums(_bands(whole, horizons), _bands(groups, horizons))


def _bands(classes: Sequence[Moments | None], horizons: Sequence[int]) -> list[Moments | None]:
    """Return the sums for each band of steps, from those of the rows that reach exactly so far.

    A row that reaches a horizon serves the bands of all shorter ones.
    """
    firsts = (0, *horizons[:-1])
    bands: list[Moments | None] = []
    for index, (first, end) in enumerate(zip(firsts, horizons, strict=True)):
        parts = [part.targets(slice(first, end)) for part in classes[index:] if part is not None]
        bands.append(functools.reduce(operator.add, parts) if parts else None)
    return bands


def _add(first: Moments | None, second: Moments) -> Moments:
    return second if first is None else first + second
