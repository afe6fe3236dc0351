"""Windows against windows, step by step."""

from collections.abc import Sequence
from typing import ClassVar

import torch

from contrastive.groups import TwoViewGroup
from contrastive.hierarchy import Scale
from contrastive.pairs._base import Pair
from search_space.registry import register


@register("pair", "instance", needs={"instances": 2}, source="TS2Vec, Yue et al. 2022, arXiv:2106.10466, eq. (2)")
class Instance(Pair):
    """The same step of the other view is positive, that step of other windows negative.

    T groups of 2B rows. None with a single instance.
    """

    uses_whole_window: ClassVar[bool] = True

    def __call__(self, scales: Sequence[Scale], level: int) -> TwoViewGroup | None:
        """Return T groups of 2B rows."""
        scale = scales[level]
        if scale.z1.shape[0] == 1:
            return None
        rows = torch.cat([scale.z1.transpose(0, 1), scale.z2.transpose(0, 1)], dim=1)  # (T, 2B, D)
        n = scale.z1.shape[0]
        return TwoViewGroup(rows, (torch.arange(2 * n, device=rows.device) % n).unsqueeze(0))
