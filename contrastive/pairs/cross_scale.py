"""Coarse steps against the fine steps that they pool."""

from collections.abc import Sequence
from typing import ClassVar

import torch

from contrastive.groups import PairGroup
from contrastive.hierarchy import Scale
from contrastive.pairs._base import Pair
from search_space.registry import register


@register(
    "pair",
    "cross_scale",
    needs={"time": 2},
    source="AutoCL, arXiv:2403.12641 (cross-scale contrast); single coarse step: DIM, Hjelm et al. 2019, "
    "arXiv:1808.06670 (local and global)",
)
class CrossScale(Pair):
    """A coarse step of one view is positive to the fine steps of the other that it pools.

    Other fine steps of the same window are its negatives: 2B groups (both
    directions) of T_coarse anchors and T_fine candidates. A single coarse step
    pools the whole window and would have no negatives; there the fine steps of
    the other windows take part: 2 groups of B anchors and B * T_fine candidates.
    None at the finest level, where the level below has a single step too, and for
    a single coarse step of a single instance.
    """

    uses_whole_window: ClassVar[bool] = True

    def __call__(self, scales: Sequence[Scale], level: int) -> PairGroup | None:
        """Return coarse anchors of level `level` and fine candidates of the level below."""
        if level == 0:
            return None
        coarse, fine = scales[level], scales[level - 1]
        batch, coarse_steps, features = coarse.z1.shape
        fine_steps = fine.z1.shape[1]
        if fine_steps == 1 or (coarse_steps == 1 and batch == 1):
            return None
        anchors = torch.stack([coarse.z1, coarse.z2])  # (2, B, T_coarse, D)
        candidates = torch.stack([fine.z2, fine.z1])  # (2, B, T_fine, D)
        pooled_by = torch.arange(fine_steps, device=anchors.device) // coarse.kernel  # (T_fine,)
        instances = torch.arange(batch, device=anchors.device)
        if coarse_steps == 1:
            own = torch.eye(batch, dtype=torch.bool, device=anchors.device)
            positives = (own.unsqueeze(-1) & (pooled_by == 0)).reshape(batch, batch * fine_steps)
            anchors, candidates = anchors.squeeze(2), candidates.reshape(2, batch * fine_steps, features)
            instances = instances.unsqueeze(0)  # (1, B)
        else:
            positives = torch.arange(coarse_steps, device=anchors.device).unsqueeze(1) == pooled_by
            anchors, candidates = anchors.flatten(0, 1), candidates.flatten(0, 1)
            instances = instances.repeat(2).unsqueeze(1)  # (2B, 1)
        none = torch.zeros_like(positives)
        return PairGroup(
            anchors=anchors,
            candidates=candidates,
            positives=positives,
            excluded=none,
            same_view=none,
            instances=instances,
        )
