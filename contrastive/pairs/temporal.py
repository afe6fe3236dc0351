"""Steps against steps of the same window."""

from collections.abc import Sequence

import torch

from contrastive.groups import TwoViewGroup
from contrastive.hierarchy import Scale
from contrastive.pairs._base import Pair
from search_space.registry import register


@register("pair", "temporal", needs={"time": 2}, source="TS2Vec, Yue et al. 2022, arXiv:2106.10466, eq. (1)")
class Temporal(Pair):
    """The same step of the other view is positive, other steps of the window negative.

    B groups of 2T rows. None with a single step.
    """

    def __call__(self, scales: Sequence[Scale], level: int) -> TwoViewGroup | None:
        """Return B groups of 2T rows."""
        scale = scales[level]
        if scale.z1.shape[1] == 1:
            return None
        rows = torch.cat([scale.z1, scale.z2], dim=1)  # (B, 2T, D)
        return TwoViewGroup(rows, torch.arange(len(rows), device=rows.device).unsqueeze(1))
