"""The losses' own gradients against finite differences, and the two-view form against the general one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from contrastive.groups import PairGroup, TwoViewGroup, two_view_masks
from contrastive.losses import _blocks, _log_sum_exp, _two_views
from contrastive.losses._base import PairLoss
from contrastive.losses.dcl import DCL
from contrastive.losses.info_nce import InfoNCE
from contrastive.losses.nt_xent import NTXent
from contrastive.losses.triplet import Triplet
from contrastive.similarities._base import Similarity
from contrastive.similarities.cosine import Cosine
from contrastive.similarities.dot import Dot
from contrastive.similarities.neg_euclidean import NegEuclidean

LOSSES = [NTXent(temperature=0.4), InfoNCE(temperature=0.4), DCL(temperature=0.4), Triplet(margin=0.5)]
SIMILARITIES = [Dot(), Cosine(), NegEuclidean()]


class TwiceAsMuch:
    """Weights that depend on the losses: the larger half counts double."""

    def __call__(self, losses: Tensor, *, counts: Tensor, instances: Tensor | None) -> Tensor:
        raw = torch.where(losses > losses.median(), 2.0, 1.0).to(losses.dtype) * counts
        return raw / raw[:, counts].mean()


def vectors(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


def with_masks(rows: Tensor) -> PairGroup:
    masks = two_view_masks(rows.shape[1] // 2, device=rows.device)
    return PairGroup(anchors=rows, candidates=rows, **masks._asdict())


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("similarity", SIMILARITIES, ids=lambda similarity: type(similarity).__name__)
@pytest.mark.parametrize("block_elements", [7, 10_000])
def test_gradients_are_those_of_finite_differences(
    loss: PairLoss, similarity: Similarity, block_elements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_blocks, "CPU_BLOCK", block_elements)
    anchors, candidates = vectors(2, 3, 4).requires_grad_(), vectors(2, 6, 4, rng_seed=1).requires_grad_()
    positives, none = torch.zeros(3, 6, dtype=torch.bool), torch.zeros(3, 6, dtype=torch.bool)
    positives[0, 0] = positives[1, 1] = positives[1, 4] = True  # one positive, two, none

    def value(anchors: Tensor, candidates: Tensor) -> Tensor:
        group = PairGroup(anchors, candidates, positives=positives, excluded=none, same_view=none)
        return loss(group, similarity)

    assert torch.autograd.gradcheck(value, (anchors, candidates.detach()))
    if not isinstance(similarity, NegEuclidean):  # its centre is constant to the gradient
        assert torch.autograd.gradcheck(value, (anchors, candidates))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("similarity", SIMILARITIES, ids=lambda similarity: type(similarity).__name__)
@pytest.mark.parametrize("weighting", [None, TwiceAsMuch()], ids=["alike", "weighted"])
@pytest.mark.parametrize("block_elements", [1, 90, 10_000])
@pytest.mark.parametrize("kept", [True, False])
def test_two_views_compared_once_equal_rows_against_rows(
    loss: PairLoss,
    similarity: Similarity,
    weighting: TwiceAsMuch | None,
    block_elements: int,
    kept: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_blocks, "CPU_BLOCK", block_elements)
    monkeypatch.setattr(_log_sum_exp, "FEWEST_ROWS", 4)
    monkeypatch.setattr(_two_views, "_SMALLEST_STRIP", 2)
    monkeypatch.setattr(_two_views, "KEPT_ELEMENTS", 10_000 if kept else 0)
    results = []
    for make in (with_masks, TwoViewGroup):
        rows = vectors(3, 22, 5).requires_grad_()
        value = loss(make(rows), similarity, weighting=weighting)
        (gradient,) = torch.autograd.grad(value, rows)
        results.append((value.detach(), gradient))
    for general, two_views in zip(*results, strict=True):
        torch.testing.assert_close(two_views, general, rtol=1e-9, atol=1e-12)


def test_gradient_in_bfloat16_is_close_and_the_value_the_same() -> None:
    results = []
    for enabled in (False, True):
        rows = vectors(2, 300, 32).float().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            value = NTXent(temperature=0.5)(TwoViewGroup(rows), Cosine())
        (gradient,) = torch.autograd.grad(value, rows)
        results.append((value.item(), gradient))
    (exact, gradient), (value, rounded) = results
    assert value == exact
    assert 0.0 < (rounded - gradient).norm() < 0.01 * gradient.norm()


def test_nothing_is_kept_when_no_gradient_is_wanted() -> None:
    rows = vectors(2, 20, 4)
    for loss in LOSSES:
        with torch.no_grad():
            value = loss(TwoViewGroup(rows), Cosine())
        assert not value.requires_grad
        assert float(value) == pytest.approx(float(loss(TwoViewGroup(rows.requires_grad_()), Cosine()).detach()))
        rows = rows.detach()
