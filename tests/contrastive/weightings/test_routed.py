"""Routing to heads: the assignment against optimal transport, and what the heads learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from contrastive.hierarchy import build_scales, contrast
from contrastive.losses.nt_xent import NTXent
from contrastive.pairs.instance import Instance
from contrastive.pairs.temporal import Temporal
from contrastive.similarities.dot import Dot
from contrastive.weightings._base import AnchorWeights, Rows
from contrastive.weightings.routed import Routed, assignment

R, T, D = 6, 3, 4


def compare(z1: Tensor, z2: Tensor, weighting: AnchorWeights | None) -> Tensor:
    pairs: Any = (Instance(), Temporal())
    scales = build_scales(z1, z2, pool="avg", kernel=2)
    how: dict[str, Any] = {"similarity": Dot(), "hierarchical": True, "weighting": weighting}
    return contrast(scales, pairs=pairs, loss=NTXent(temperature=1.0), **how)


def views() -> tuple[Tensor, Tensor, Rows]:
    z = torch.randn(2, R, T, D, generator=torch.Generator().manual_seed(0))
    return z[0], z[0] + 0.3 * z[1], Rows(z[0], torch.zeros(R, dtype=torch.long))


@pytest.mark.parametrize("softness", [0.1, 1.0])
def test_every_row_is_shared_out_and_every_head_gets_as_much(softness: float) -> None:
    losses = torch.randn(30, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    shares = assignment(losses, softness=softness)
    np.testing.assert_allclose(shares.sum(dim=1).numpy(), 1.0, rtol=1e-9)
    np.testing.assert_allclose(shares.sum(dim=0).numpy(), 10.0, rtol=0.05)


def test_a_sharp_assignment_is_the_cheapest_balanced_one() -> None:
    losses = torch.tensor([[0.0, 5.0], [1.0, 9.0], [0.0, 1.0], [2.0, 3.0]], dtype=torch.float64)  # all like head 0
    rows, places = linear_sum_assignment(np.repeat(losses.numpy(), 2, axis=1))
    best = torch.zeros(4, 2, dtype=torch.float64)
    best[rows, places // 2] = 1.0
    assert torch.equal(assignment(losses, softness=0.02).round(), best)


def test_shares_follow_the_kernel_of_the_losses() -> None:
    losses = torch.rand(5, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    shares = assignment(losses, softness=0.7).log().numpy()
    cost = losses.numpy() - losses.numpy().mean(axis=1, keepdims=True)
    rest = shares + cost / (0.7 * np.sqrt((cost**2).mean()))  # a number per row and one per head remains
    np.testing.assert_allclose(rest - rest[:1] - rest[:, :1] + rest[0, 0], 0.0, atol=1e-6)


def test_equal_heads_give_the_loss_of_one() -> None:
    z1, z2, rows = views()
    routed = Routed(heads=3.0, softness=0.5)
    routed.expect_features(D)
    assert routed.maps is not None
    routed.maps.data.copy_(torch.eye(D).expand(3, D, D))
    found = routed.compared(z1, z2, compare, iteration=0, rows=rows)
    assert float(found.detach()) == pytest.approx(float(compare(z1, z2, None)), rel=1e-5)


def test_heads_differ_have_gradients_and_take_the_rows_that_suit_them() -> None:
    torch.manual_seed(0)
    z1, z2, rows = views()
    routed = Routed(heads=2.0, softness=0.1)
    routed.expect_features(D)
    assert routed.maps is not None
    loss = routed.compared(z1.requires_grad_(), z2, compare, iteration=0, rows=rows)
    loss.backward()  # type: ignore[no-untyped-call]
    assert z1.grad is not None and z1.grad.any() and routed.maps.grad is not None
    assert all(gradient.any() for gradient in routed.maps.grad)
    plain = torch.stack([compare(z1 @ one, z2 @ one, None) for one in routed.maps]).mean()
    assert loss < plain  # a row counts where it loses less


def test_parameters_out_of_range_are_refused() -> None:
    for heads in (1.0, 2.5):
        with pytest.raises(ValueError, match=r"routed\.heads: must be"):
            Routed(heads=heads, softness=1.0)
    with pytest.raises(ValueError, match=r"routed\.softness: must be"):
        Routed(heads=2.0, softness=0.0)
