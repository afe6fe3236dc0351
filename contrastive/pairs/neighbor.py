"""Adjacent sub-windows against those of other windows."""

from collections.abc import Sequence

import torch

from contrastive.groups import PairGroup, two_view_masks
from contrastive.hierarchy import Scale, pool_over_time
from contrastive.pairs._base import Pair
from search_space.registry import register


@register(
    "pair",
    "neighbor",
    needs={"instances": 2, "time": 2},
    source="TNC, Tonekaboni et al. 2021, arXiv:2106.00750 (idea: neighbourhoods in time)",
)
class Neighbor(Pair):
    """The pooled first half of a window is positive to the second half of the other view.

    2 groups (first against second half, and back) of 2B rows; the halves of
    other windows are negatives, the adjacent half of the same view is excluded.
    Deliberate difference from TNC: the neighbourhood is the adjacent half, no
    stationarity test chooses it and no discriminator judges it. None with a
    single instance or a single step.
    """

    def __call__(self, scales: Sequence[Scale], level: int) -> PairGroup | None:
        """Return 2 groups of 2B rows."""
        scale = scales[level]
        batch, steps, _ = scale.z1.shape
        if batch == 1 or steps == 1:
            return None
        rows = torch.cat([scale.z1, scale.z2])  # (2B, T, D)
        half = steps // 2
        first = pool_over_time(rows[:, :half], pool=scale.pool, kernel=half).squeeze(1)
        second = pool_over_time(rows[:, half:], pool=scale.pool, kernel=steps - half).squeeze(1)
        masks = two_view_masks(batch, device=rows.device)
        return PairGroup(
            anchors=torch.stack([first, second]),
            candidates=torch.stack([second, first]),
            **masks._asdict(),
            instances=(torch.arange(2 * batch, device=rows.device) % batch).unsqueeze(0),
        )
