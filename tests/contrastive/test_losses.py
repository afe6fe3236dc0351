"""Losses against plain loops over their formulas, closed forms, and blocks against no blocks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from contrastive.groups import PairGroup, two_view_masks
from contrastive.losses import _blocks
from contrastive.losses._base import PairLoss
from contrastive.losses._blocks import places
from contrastive.losses.dcl import DCL
from contrastive.losses.info_nce import InfoNCE
from contrastive.losses.nt_xent import NTXent
from contrastive.losses.triplet import Triplet
from contrastive.similarities.cosine import Cosine
from contrastive.similarities.dot import Dot


def random_group(*, n_positives: int, dtype: torch.dtype = torch.float64) -> PairGroup:
    """Anchors with 0 to `n_positives` positives, some exclusions and both views."""
    generator = torch.Generator().manual_seed(n_positives)
    anchors = torch.randn(3, 6, 4, generator=generator, dtype=dtype)
    candidates = torch.randn(3, 9, 4, generator=generator, dtype=dtype)
    positives, excluded = torch.zeros(6, 9, dtype=torch.bool), torch.zeros(6, 9, dtype=torch.bool)
    same_view = torch.zeros(6, 9, dtype=torch.bool)
    for row in range(6):
        order = torch.randperm(9, generator=generator)
        count = n_positives if n_positives == 1 else row % (n_positives + 1)
        positives[row, order[:count]] = True
        excluded[row, order[count : count + 2]] = True
        same_view[row, order[count + 1 : count + 4]] = True
    return PairGroup(
        anchors=anchors, candidates=candidates, positives=positives, excluded=excluded, same_view=same_view
    )


def rows_of(group: PairGroup, *, cross_view_only: bool) -> list[tuple[list[float], list[float]]]:
    """(positive, negative) similarities of every anchor that has positives, by loops."""
    rows = []
    for g in range(len(group.anchors)):
        for a in range(group.anchors.shape[1]):
            positive, negative = [], []
            for n in range(group.candidates.shape[1]):
                value = float(group.anchors[g, a] @ group.candidates[g, n])
                if group.excluded[a, n] or (cross_view_only and group.same_view[a, n]):
                    continue
                (positive if group.positives[a, n] else negative).append(value)
            if positive:
                rows.append((positive, negative))
    return rows


@pytest.mark.parametrize("n_positives", [1, 3])
@pytest.mark.parametrize("loss", [NTXent(temperature=0.7), InfoNCE(temperature=0.7)])
def test_softmax_losses_follow_their_formula(loss: NTXent | InfoNCE, n_positives: int) -> None:
    group = random_group(n_positives=n_positives)
    terms = []
    for positive, negative in rows_of(group, cross_view_only=isinstance(loss, InfoNCE)):
        rivals = sum(math.exp(s / 0.7) for s in negative)
        losses = [-math.log(math.exp(s / 0.7) / (math.exp(s / 0.7) + rivals)) for s in positive]
        terms.append(sum(losses) / len(losses))
    assert float(loss(group, Dot())) == pytest.approx(sum(terms) / len(terms), rel=1e-9)


@pytest.mark.parametrize("n_positives", [1, 3])
def test_triplet_follows_its_formula(n_positives: int) -> None:
    group = random_group(n_positives=n_positives)
    terms = []
    for positive, negative in rows_of(group, cross_view_only=False):
        mean = sum(positive) / len(positive)
        terms.append(sum(max(0.0, 0.5 + s - mean) for s in negative) / len(negative))
    assert float(Triplet(margin=0.5)(group, Dot())) == pytest.approx(sum(terms) / len(terms), rel=1e-9)


@pytest.mark.parametrize("n_positives", [1, 3])
def test_dcl_follows_its_formula(n_positives: int) -> None:
    group = random_group(n_positives=n_positives)
    terms = []
    for positive, negative in rows_of(group, cross_view_only=False):
        rivals = math.log(sum(math.exp(s / 0.7) for s in negative))
        terms.append(rivals - sum(positive) / len(positive) / 0.7)
    assert float(DCL(temperature=0.7)(group, Dot())) == pytest.approx(sum(terms) / len(terms), rel=1e-9)


def equal_rows(rows: int) -> PairGroup:
    z = torch.ones(2, 2 * rows, 3)
    return PairGroup(anchors=z, candidates=z, **two_view_masks(rows, device=z.device)._asdict())


def test_closed_forms_when_all_rows_are_equal() -> None:
    group = equal_rows(5)
    assert float(NTXent(temperature=0.1)(group, Cosine())) == pytest.approx(math.log(9), rel=1e-5)
    assert float(InfoNCE(temperature=0.1)(group, Cosine())) == pytest.approx(math.log(5), rel=1e-5)
    assert float(Triplet(margin=0.5)(group, Cosine())) == pytest.approx(0.5, rel=1e-5)
    assert float(DCL(temperature=0.1)(group, Cosine())) == pytest.approx(math.log(8), rel=1e-5)


def test_closed_form_when_positives_are_equal_and_negatives_orthogonal() -> None:
    z = torch.eye(4).repeat(2, 1).unsqueeze(0)
    group = PairGroup(anchors=z, candidates=z, **two_view_masks(4, device=z.device)._asdict())
    expected = -math.log(math.e**2 / (math.e**2 + 6))
    assert float(NTXent(temperature=0.5)(group, Cosine())) == pytest.approx(expected, rel=1e-5)
    assert float(Triplet(margin=1.0)(group, Cosine())) == 0.0


@pytest.mark.parametrize(
    "loss", [NTXent(temperature=0.1), InfoNCE(temperature=0.1), DCL(temperature=0.1), Triplet(margin=1.0)]
)
@pytest.mark.parametrize("n_positives", [1, 2])
def test_without_negatives_loss_and_gradient_are_zero(loss: PairLoss, n_positives: int) -> None:
    z = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    positives = torch.eye(3, dtype=torch.bool)
    positives[0, :n_positives] = True
    none = torch.zeros_like(positives)
    value = loss(PairGroup(anchors=z, candidates=z, positives=positives, excluded=~positives, same_view=none), Cosine())
    value.backward()
    assert value.item() == 0.0 and z.grad is not None and torch.equal(z.grad, torch.zeros_like(z))


class Watched(Cosine):
    """Cosine that notes the sizes of what it returns."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def between(self, anchors: Tensor, candidates: Tensor, *, scale: float) -> Tensor:
        result = super().between(anchors, candidates, scale=scale)
        self.sizes.append(result.numel())
        return result


@pytest.mark.parametrize(
    "loss", [NTXent(temperature=0.2), InfoNCE(temperature=0.2), DCL(temperature=0.2), Triplet(margin=0.5)]
)
@pytest.mark.parametrize("n_positives", [1, 3])
@pytest.mark.parametrize("budget", [1, 20, 54, 60, 110])
def test_blocks_change_neither_value_nor_gradient(
    loss: PairLoss, n_positives: int, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    for block_elements in (10_000, budget):
        group = random_group(n_positives=n_positives)
        group.anchors.requires_grad_(True)
        group.candidates.requires_grad_(True)
        watched = Watched()
        monkeypatch.setattr(_blocks, "CPU_BLOCK", block_elements)
        value = loss(group, watched)
        value.backward()
        # every similarity is computed once, for value and gradient, and never more than the budget at a time
        assert max(watched.sizes) <= max(block_elements, 9) and sum(watched.sizes) == 3 * 6 * 9
        results.append((value.detach(), group.anchors.grad, group.candidates.grad))
    assert len(watched.sizes) > 1
    for direct, blocked in zip(*results, strict=True):
        torch.testing.assert_close(direct, blocked, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (5, 7, 3), (2, 100, 90), (9, 4, 4)])
@pytest.mark.parametrize("budget", [1, 17, 100, 10_000])
def test_blocks_cover_every_row_once(sizes: tuple[int, int, int], budget: int) -> None:
    n_groups, n_anchors, n_candidates = sizes
    seen = torch.zeros(n_groups, n_anchors, dtype=torch.int64)
    anchors, candidates = torch.empty(n_groups, n_anchors, 2), torch.empty(n_groups, n_candidates, 2)
    for place in places(anchors, candidates, budget=budget):
        seen[place] += 1
        assert seen[place].numel() * n_candidates <= max(budget, n_candidates)
    assert (seen == 1).all()


def test_extreme_similarities_stay_finite() -> None:
    z = 1e3 * torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    z.requires_grad_(True)
    loss = NTXent(temperature=0.05)(
        PairGroup(anchors=z, candidates=z, **two_view_masks(3, device=z.device)._asdict()), Dot()
    )
    loss.backward()
    assert torch.isfinite(loss) and z.grad is not None and torch.isfinite(z.grad).all()


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_temperature_must_be_above_zero(temperature: float) -> None:
    with pytest.raises(ValueError, match=r"NTXent\.temperature: must be a finite number greater than 0"):
        NTXent(temperature=temperature)
    with pytest.raises(ValueError, match=r"DCL\.temperature: must be a finite number greater than 0"):
        DCL(temperature=temperature)


def test_margin_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match=r"Triplet\.margin: must be a finite number of at least 0, got -0\.1"):
        Triplet(margin=-0.1)
