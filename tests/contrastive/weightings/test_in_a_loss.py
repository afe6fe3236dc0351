"""Weightings against their formulas, and what a pair loss does with them."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import Tensor

from contrastive.groups import PairGroup
from contrastive.losses import _blocks
from contrastive.losses._base import PairLoss
from contrastive.losses.dcl import DCL
from contrastive.losses.info_nce import InfoNCE
from contrastive.losses.nt_xent import NTXent
from contrastive.losses.triplet import Triplet
from contrastive.similarities.dot import Dot
from contrastive.weightings.hard import Hard
from contrastive.weightings.self_paced import SelfPaced

ALL = torch.ones(6, dtype=torch.bool)
INSTANCES = torch.arange(3).unsqueeze(1)
LOSSES = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 9.0]], dtype=torch.float64)


def test_self_paced_begins_with_the_anchors_easier_than_the_average() -> None:
    # excess 0, 1, 2, 3, 4, 8, on average 3
    weights = SelfPaced(warmup=100.0)(LOSSES, counts=ALL, iteration=0)
    raw = torch.tensor([[1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(weights, raw / raw.mean(), rtol=1e-4, atol=1e-5)


def test_self_paced_lets_more_anchors_in_until_all_count_alike() -> None:
    weighting = SelfPaced(warmup=100.0)
    counted = [int((weighting(LOSSES, counts=ALL, iteration=at) > 1e-4).sum()) for at in (0, 10, 40, 65)]
    assert counted == [3, 4, 5, 6]
    for at in (100, 101, 10**9):
        assert torch.equal(weighting(LOSSES, counts=ALL, iteration=at), torch.ones_like(LOSSES))


def test_hard_is_a_softmax_of_the_standardised_losses() -> None:
    weights = Hard(tilt=0.5)(LOSSES, counts=ALL, iteration=7)
    values = LOSSES[0].tolist()
    mean = sum(values) / 6
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / 6)
    raw = [math.exp(0.5 * (value - mean) / deviation) for value in values]
    torch.testing.assert_close(weights[0], torch.tensor([6.0 * r / sum(raw) for r in raw], dtype=torch.float64))
    assert (weights.diff(dim=1) > 0).all()


def uneven_group() -> PairGroup:
    """Anchors 1 and 4 of six have no positive."""
    generator = torch.Generator().manual_seed(3)
    anchors = torch.randn(3, 6, 4, generator=generator, dtype=torch.float64).requires_grad_(True)
    candidates = torch.randn(3, 9, 4, generator=generator, dtype=torch.float64).requires_grad_(True)
    positives = torch.rand(6, 9, generator=generator) < 0.3
    positives[:, 8] = False
    positives[[1, 4]] = False
    positives[[0, 2, 3, 5], 0] = True
    none = torch.zeros_like(positives)
    return PairGroup(anchors, candidates, positives=positives, excluded=none, same_view=none, instances=INSTANCES)


class Watched:
    """Weights that noted what they were asked for."""

    def __init__(self) -> None:
        self.losses: list[Tensor] = []

    def __call__(self, losses: Tensor, *, counts: Tensor, instances: Tensor | None) -> Tensor:
        assert (
            not losses.requires_grad
            and instances is INSTANCES
            and counts.tolist() == [True, False, True, True, False, True]
        )
        self.losses.append(losses.clone())
        return torch.arange(18.0, dtype=torch.float64).view(3, 6) * counts


@pytest.mark.parametrize("budget", [10_000, 60, 30])
@pytest.mark.parametrize(
    "loss", [NTXent(temperature=0.5), InfoNCE(temperature=0.5), DCL(temperature=0.5), Triplet(margin=0.5)]
)
def test_a_pair_loss_weights_the_anchors_of_all_blocks(
    loss: PairLoss, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_blocks, "CPU_BLOCK", budget)
    group, watched = uneven_group(), Watched()
    value = loss(group, Dot(), weighting=watched)
    value.backward()
    (rows,) = watched.losses
    assert rows.shape == (3, 6) and not rows[:, [1, 4]].any()
    assert float(rows.sum() / 12) == pytest.approx(loss(group, Dot()).item(), rel=1e-9)
    weights = torch.arange(18.0, dtype=torch.float64).view(3, 6)
    assert value.item() == pytest.approx(float((rows * weights).sum() / 12), rel=1e-9)
    # the gradient of an anchor's loss is multiplied by its weight: none for the first anchor of the first group
    assert group.anchors.grad is not None and not group.anchors.grad[0, 0].any() and group.anchors.grad[1, 0].any()


def test_weights_of_one_change_nothing() -> None:
    for loss in (NTXent(temperature=0.5), Triplet(margin=0.5)):
        group, ends = uneven_group(), partial(SelfPaced(warmup=1.0), iteration=1)
        assert loss(group, Dot(), weighting=ends).item() == pytest.approx(loss(group, Dot()).item(), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_parameters_must_be_above_zero(value: float) -> None:
    with pytest.raises(ValueError, match=r"self_paced\.warmup: must be a finite number > 0"):
        SelfPaced(warmup=value)
    with pytest.raises(ValueError, match=r"hard\.tilt: must be a finite number > 0"):
        Hard(tilt=value)
