"""Which rows each pair kind pairs, told by rows that carry their own address."""

from __future__ import annotations

import pytest
import torch

from contrastive.groups import PairGroup
from contrastive.hierarchy import Scale, build_scales
from contrastive.pairs.cross_scale import CrossScale
from contrastive.pairs.instance import Instance
from contrastive.pairs.neighbor import Neighbor
from contrastive.pairs.temporal import Temporal
from search_space import registry

BATCH, STEPS = 3, 5


def addresses(view: int, *, steps: int = STEPS) -> torch.Tensor:
    """Rows (view, window, step), shape (B, T, 3)."""
    grid = torch.meshgrid(torch.arange(BATCH), torch.arange(steps), indexing="ij")
    return torch.stack([torch.full_like(grid[0], view), *grid], dim=-1).float()


def roles(group: PairGroup) -> dict[str, list[tuple[list[float], list[float]]]]:
    """All (anchor, candidate) rows by their role."""
    found: dict[str, list[tuple[list[float], list[float]]]] = {"positive": [], "excluded": [], "negative": []}
    for anchors, candidates in zip(group.anchors.tolist(), group.candidates.tolist(), strict=True):
        for a, anchor in enumerate(anchors):
            for n, candidate in enumerate(candidates):
                assert bool(group.same_view[a, n]) == (anchor[0] == candidate[0])
                role = "positive" if group.positives[a, n] else "excluded" if group.excluded[a, n] else "negative"
                found[role].append((anchor, candidate))
    return found


def test_instance_pairs_the_same_step_of_different_windows() -> None:
    group = Instance()([Scale(z1=addresses(1), z2=addresses(2))], 0)
    assert group is not None
    found = roles(group)
    assert all(a[1:] == c[1:] and a[0] != c[0] for a, c in found["positive"])
    assert all(a == c for a, c in found["excluded"])
    assert all(a[2] == c[2] and a[1] != c[1] for a, c in found["negative"])
    rows = 2 * BATCH * STEPS
    assert [len(found[role]) for role in ("positive", "excluded", "negative")] == [rows, rows, rows * (2 * BATCH - 2)]


def test_temporal_pairs_different_steps_of_the_same_window() -> None:
    group = Temporal()([Scale(z1=addresses(1), z2=addresses(2))], 0)
    assert group is not None
    found = roles(group)
    assert all(a[1:] == c[1:] and a[0] != c[0] for a, c in found["positive"])
    assert all(a == c for a, c in found["excluded"])
    assert all(a[1] == c[1] and a[2] != c[2] for a, c in found["negative"])
    rows = 2 * BATCH * STEPS
    assert [len(found[role]) for role in ("positive", "excluded", "negative")] == [rows, rows, rows * (2 * STEPS - 2)]


def test_neighbor_pairs_the_halves_of_different_views() -> None:
    group = Neighbor()([Scale(z1=addresses(1), z2=addresses(2), pool="avg")], 0)
    assert group is not None
    found = roles(group)
    # Five steps: the halves 0, 1 and 2, 3, 4 have the mean steps 0.5 and 3.
    assert {(a[2], c[2]) for pairs in found.values() for a, c in pairs} == {(0.5, 3.0), (3.0, 0.5)}
    assert all(a[1] == c[1] and a[0] != c[0] for a, c in found["positive"])
    assert all(a[1] == c[1] and a[0] == c[0] for a, c in found["excluded"])
    assert all(a[1] != c[1] for a, c in found["negative"])
    assert [len(found[role]) for role in ("positive", "excluded", "negative")] == [12, 12, 48]


def test_neighbor_pools_as_the_scale_says() -> None:
    group = Neighbor()([Scale(z1=addresses(1), z2=addresses(2), pool="max")], 0)
    assert group is not None and set(group.anchors[..., 2].unique().tolist()) == {1.0, 4.0}


def test_cross_scale_pairs_a_coarse_step_with_the_fine_steps_that_it_pools() -> None:
    scales = build_scales(addresses(1, steps=7), addresses(2, steps=7), pool="avg", kernel=3)
    group = CrossScale()(scales, 1)
    assert group is not None and CrossScale()(scales, 0) is None
    found = roles(group)
    assert all(a[1] == c[1] and a[0] != c[0] for pairs in found.values() for a, c in pairs)
    assert all(abs(a[2] - c[2]) <= 1.0 for a, c in found["positive"])
    assert all(abs(a[2] - c[2]) >= 2.0 for a, c in found["negative"])  # step 6, which nothing pools, included
    assert [len(found[role]) for role in ("positive", "excluded", "negative")] == [36, 0, 48]


def test_cross_scale_takes_other_windows_as_negatives_of_a_single_coarse_step() -> None:
    group = CrossScale()(build_scales(addresses(1), addresses(2), pool="avg", kernel=0), 1)
    assert group is not None
    found = roles(group)
    assert all(a[1] == c[1] and a[0] != c[0] for a, c in found["positive"])
    assert all(a[1] != c[1] and a[0] != c[0] for a, c in found["negative"])
    assert [len(found[role]) for role in ("positive", "excluded", "negative")] == [30, 0, 60]


@pytest.mark.parametrize("kind", sorted(registry.options("pair")))
@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_anchor_knows_its_window(kind: str, level: int) -> None:
    scales = build_scales(addresses(1, steps=8), addresses(2, steps=8), pool="avg", kernel=4)
    group = registry.build("pair", kind)(scales, level)
    if group is not None:
        assert torch.equal(group.instances.expand(group.anchors.shape[:2]), group.anchors[..., 1].long())
