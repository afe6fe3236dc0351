"""Scales: aligned views at several resolutions, and the loss over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from search_space.genotype.rules import POOLS
from search_space.registry import unknown_name

if TYPE_CHECKING:
    from contrastive.losses._base import Loss
    from contrastive.pairs._base import Pair
    from contrastive.similarities._base import Similarity
    from contrastive.weightings._base import AnchorWeights


@dataclass(frozen=True, eq=False)
class Scale:
    """Two aligned views at one resolution; level 0 is the finest.

    Args:
        z1: Representations of view 1, shape (B, T, D).
        z2: Representations of view 2 at the same times, shape (B, T, D).
        kernel: How many steps of the level below each step pools (1 at level 0).
        pool: "avg" or "max", for those who pool further.
    """

    z1: Tensor
    z2: Tensor
    kernel: int = 1
    pool: str = "avg"


def pool_over_time(z: Tensor, *, pool: str, kernel: int) -> Tensor:
    """Pool disjoint runs of `kernel` steps; a remainder at the end is dropped.

    Args:
        z: Shape (B, T, D).
        pool: "avg" or "max".
        kernel: Steps per run, 1 to T.

    Returns:
        Shape (B, T // kernel, D).

    Raises:
        ValueError: If `pool` is not known.
    """
    if pool not in POOLS:
        raise ValueError(unknown_name("PairCell.pool", pool, POOLS))
    if pool == "max":  # (B, T, D) seen as (B, D, T) is the channels-last layout: three times as fast as `amax`
        return functional.max_pool1d(z.transpose(1, 2), kernel).transpose(1, 2)
    batch, steps, features = z.shape
    return z[:, : steps // kernel * kernel].reshape(batch, steps // kernel, kernel, features).mean(dim=2)


def build_scales(z1: Tensor, z2: Tensor, *, pool: str, kernel: int) -> list[Scale]:
    """Return the levels of the hierarchy, the finest first.

    `kernel` > 0 pools until one step is left (a last run may be shorter than the
    kernel); `kernel` 0 gives two levels, the steps and the whole window.

    Args:
        z1: Shape (B, T, D).
        z2: Shape (B, T, D).
        pool: "avg" or "max".
        kernel: 0, or at least 2.

    Raises:
        ValueError: If `kernel` is 1 or negative, or `pool` is unknown.
    """
    if kernel < 0 or kernel == 1:
        raise ValueError(f"PairCell.kernel: must be 0 (no hierarchy) or at least 2, got {kernel}")
    scales = [Scale(z1=z1, z2=z2, pool=pool)]
    while scales[-1].z1.shape[1] > 1 or (kernel == 0 and len(scales) == 1):
        finer = scales[-1]
        steps = finer.z1.shape[1]
        width = steps if kernel == 0 else min(kernel, steps)
        coarse1 = pool_over_time(finer.z1, pool=pool, kernel=width)
        coarse2 = pool_over_time(finer.z2, pool=pool, kernel=width)
        scales.append(Scale(z1=coarse1, z2=coarse2, kernel=width, pool=pool))
    return scales


def contrast(
    scales: Sequence[Scale],
    *,
    pairs: Sequence[Pair],
    loss: Loss,
    similarity: Similarity | None,
    hierarchical: bool,
    weighting: AnchorWeights | None = None,
) -> Tensor:
    """Return the loss over pair kinds and levels.

    With the hierarchy it is the mean over levels of the mean over pair kinds; a
    kind without negatives at a level (no other instance, one step only) counts 0
    there, as in TS2Vec's hierarchical loss. Without it, every kind counts once,
    at its own level.

    Args:
        scales: From `build_scales`, views of shape (B, T, D).
        pairs: The enabled pair kinds.
        loss: Loss of one pair group.
        similarity: Passed to the loss.
        hierarchical: Whether all levels count.
        weighting: Passed to the loss.
    """
    terms = []
    for pair in pairs:
        levels = range(len(scales)) if hierarchical else [1 if pair.uses_whole_window else 0]
        groups = [group for level in levels if (group := pair(scales, level)) is not None]
        terms += [loss(group, similarity, weighting=weighting) / (len(levels) * len(pairs)) for group in groups]
    if not terms:
        # A zero that depends on the representations: a batch without any negatives still has a gradient (of 0),
        # and values that are not finite still show.
        return 0.0 * (scales[0].z1.sum() + scales[0].z2.sum())
    return torch.stack(terms).sum()
