"""Scales against torch's pooling; the hierarchical loss against loops over TS2Vec's formulas."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from contrastive.hierarchy import build_scales, contrast, pool_over_time
from contrastive.losses.nt_xent import NTXent
from contrastive.pairs.instance import Instance
from contrastive.pairs.temporal import Temporal
from contrastive.similarities.dot import Dot


def two_views(batch: int, steps: int, features: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(batch * 100 + steps)
    z = torch.randn(2, batch, steps, features, generator=generator, dtype=torch.float64)
    return z[0], z[1]


@pytest.mark.parametrize("kernel", [2, 3, 5, 7])
def test_pooling_agrees_with_torch(kernel: int) -> None:
    z, _ = two_views(4, 23)
    for pool, oracle in (("max", functional.max_pool1d), ("avg", functional.avg_pool1d)):
        expected = oracle(z.transpose(1, 2), kernel).transpose(1, 2)
        torch.testing.assert_close(pool_over_time(z, pool=pool, kernel=kernel), expected)


@pytest.mark.parametrize(
    ("steps", "kernel", "lengths"),
    [(24, 2, [24, 12, 6, 3, 1]), (24, 5, [24, 4, 1]), (1, 2, [1]), (24, 0, [24, 1]), (1, 0, [1, 1]), (2, 7, [2, 1])],
)
def test_levels_end_with_one_step(steps: int, kernel: int, lengths: list[int]) -> None:
    scales = build_scales(*two_views(2, steps), pool="max", kernel=kernel)
    assert [scale.z1.shape[1] for scale in scales] == lengths == [scale.z2.shape[1] for scale in scales]


def test_bad_pooling_is_refused() -> None:
    z1, z2 = two_views(2, 4)
    for kernel in (1, -2):
        with pytest.raises(ValueError, match=rf"PairCell\.kernel: must be 0 .* got {kernel}"):
            build_scales(z1, z2, pool="max", kernel=kernel)
    with pytest.raises(ValueError, match=r"unknown PairCell\.pool 'min'"):
        build_scales(z1, z2, pool="min", kernel=2)


def ts2vec_instance(z1: Tensor, z2: Tensor) -> float:
    """Eq. (2), both directions, mean over windows and steps."""
    batch, steps, _ = z1.shape
    terms = []
    for mine, other in ((z1, z2), (z2, z1)):
        for i in range(batch):
            for t in range(steps):
                total = sum(math.exp(mine[i, t] @ other[j, t]) for j in range(batch))
                total += sum(math.exp(mine[i, t] @ mine[j, t]) for j in range(batch) if j != i)
                terms.append(-math.log(math.exp(mine[i, t] @ other[i, t]) / total))
    return sum(terms) / len(terms)


def ts2vec_temporal(z1: Tensor, z2: Tensor) -> float:
    """Eq. (1), both directions, mean over windows and steps."""
    batch, steps, _ = z1.shape
    terms = []
    for mine, other in ((z1, z2), (z2, z1)):
        for i in range(batch):
            for t in range(steps):
                total = sum(math.exp(mine[i, t] @ other[i, s]) for s in range(steps))
                total += sum(math.exp(mine[i, t] @ mine[i, s]) for s in range(steps) if s != t)
                terms.append(-math.log(math.exp(mine[i, t] @ other[i, t]) / total))
    return sum(terms) / len(terms)


def ts2vec_hierarchical(z1: Tensor, z2: Tensor, *, alpha: float = 0.5) -> float:
    """Eq. (3) at every level of the max pooling, mean over levels; a single step has the instance part only."""
    levels = []
    while True:
        instance = ts2vec_instance(z1, z2) if len(z1) > 1 else 0.0
        if z1.shape[1] == 1:
            levels.append(alpha * instance)
            return sum(levels) / len(levels)
        levels.append(alpha * instance + (1.0 - alpha) * ts2vec_temporal(z1, z2))
        z1, z2 = (functional.max_pool1d(z.transpose(1, 2), 2).transpose(1, 2) for z in (z1, z2))


@pytest.mark.parametrize(("batch", "steps"), [(3, 11), (2, 8), (1, 5), (4, 1)])
def test_hierarchical_loss_is_that_of_ts2vec(batch: int, steps: int) -> None:
    z1, z2 = two_views(batch, steps)
    loss = contrast(
        build_scales(z1, z2, pool="max", kernel=2),
        pairs=(Instance(), Temporal()),
        loss=NTXent(temperature=1.0),
        similarity=Dot(),
        hierarchical=True,
    )
    assert float(loss) == pytest.approx(ts2vec_hierarchical(z1, z2), rel=1e-5)


@pytest.mark.parametrize(("pool", "reduce"), [("avg", torch.mean), ("max", torch.amax)])
def test_without_hierarchy_windows_are_pooled_and_steps_are_not(pool: str, reduce: object) -> None:
    z1, z2 = two_views(3, 6)
    loss = contrast(
        build_scales(z1, z2, pool=pool, kernel=0),
        pairs=(Instance(), Temporal()),
        loss=NTXent(temperature=1.0),
        similarity=Dot(),
        hierarchical=False,
    )
    assert callable(reduce)
    instance = ts2vec_instance(reduce(z1, dim=1, keepdim=True), reduce(z2, dim=1, keepdim=True))
    assert float(loss) == pytest.approx((instance + ts2vec_temporal(z1, z2)) / 2.0, rel=1e-5)


def test_nothing_to_contrast_is_a_zero_with_a_gradient_and_shows_divergence() -> None:
    z1, z2 = (z.requires_grad_(True) for z in two_views(1, 1))
    parts = {"pairs": (Instance(), Temporal()), "loss": NTXent(temperature=1.0), "similarity": Dot()}
    loss = contrast(build_scales(z1, z2, pool="max", kernel=2), hierarchical=True, **parts)  # type: ignore[arg-type]
    loss.backward()
    assert loss.item() == 0.0 and z1.grad is not None and torch.equal(z1.grad, torch.zeros_like(z1))
    diverged = build_scales(z1 * torch.inf, z2, pool="max", kernel=2)
    assert not torch.isfinite(contrast(diverged, hierarchical=True, **parts))  # type: ignore[arg-type]
