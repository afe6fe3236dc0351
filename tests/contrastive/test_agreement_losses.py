"""Losses that compare nothing: the published formulas in loops, and safety where nothing varies."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from contrastive.groups import PairGroup, two_view_masks
from contrastive.losses import _agreement
from contrastive.losses._agreement import AgreementLoss, off_diagonal_squares
from contrastive.losses.barlow_twins import BarlowTwins
from contrastive.losses.log_det import LogDet
from contrastive.losses.vicreg import VICReg

VICREG = VICReg(invariance=25.0, variance=20.0, covariance=1.5)
BARLOW = BarlowTwins(off_diagonal=0.02)
LOG_DET = LogDet(strength=0.7)


def normal(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(rng_seed), dtype=torch.float64)


def two_views(groups: int, rows: int, features: int) -> PairGroup:
    z = normal(groups, 2 * rows, features)
    return PairGroup(anchors=z, candidates=z, **two_view_masks(rows, device=z.device)._asdict())


def several_positives(features: int) -> PairGroup:
    """Six anchors with 0 to 3 positives; some candidates are of the anchor's view or excluded."""
    positives = torch.rand(6, 9, generator=torch.Generator().manual_seed(1)) < 0.3
    positives[2] = False
    excluded, same_view = torch.zeros(6, 9, dtype=torch.bool), torch.zeros(6, 9, dtype=torch.bool)
    excluded[:, 3] = True
    same_view[:, 7] = True
    return PairGroup(
        anchors=normal(3, 6, features),
        candidates=normal(3, 9, features, rng_seed=2),
        positives=positives,
        excluded=excluded,
        same_view=same_view,
    )


GROUPS = [two_views(3, 5, 4), two_views(2, 3, 11), several_positives(4), several_positives(9)]


def sides(group: PairGroup) -> list[tuple[Tensor, Tensor]]:
    """(anchors, targets) of every group, by loops."""
    result = []
    for g in range(len(group.anchors)):
        anchors, targets = [], []
        for a in range(group.anchors.shape[1]):
            own = group.positives[a] & ~group.excluded[a] & ~group.same_view[a]
            if own.any():
                anchors.append(group.anchors[g, a])
                targets.append(group.candidates[g, own].mean(dim=0))
        result.append((torch.stack(anchors), torch.stack(targets)))
    return result


def vicreg_formula(z: Tensor, other: Tensor) -> float:
    """Eqs. (1) to (6), the distance as a mean over features."""
    rows, features = z.shape
    total = 25.0 * sum(float((z[i] - other[i]).square().sum()) for i in range(rows)) / rows / features
    for side in (z, other):
        covariance = torch.cov(side.T)
        for i in range(features):
            total += 20.0 * max(0.0, 1.0 - float((covariance[i, i] + 1e-4).sqrt())) / features
            total += 1.5 * sum(float(covariance[i, j]) ** 2 for j in range(features) if j != i) / features
    return total


def barlow_formula(z: Tensor, other: Tensor) -> float:
    """Eqs. (1) and (2), the variances with a batch norm's constant."""
    total = 0.0
    a, b = ((side - side.mean(dim=0)) / (side.var(dim=0, correction=0) + 1e-5).sqrt() for side in (z, other))
    for i in range(z.shape[1]):
        for j in range(z.shape[1]):
            correlation = float(a[:, i] @ b[:, j]) / len(z)
            total += (1.0 - correlation) ** 2 if i == j else 0.02 * correlation**2
    return total


def log_det_formula(z: Tensor, other: Tensor) -> float:
    """The docstring, with the covariance's own size."""
    apart = sum(float((z[i] - other[i]).square().sum()) for i in range(len(z))) / len(z)
    size = sum(float(row.square().sum()) for row in z) / len(z)
    covariance = torch.cov(((z + other) / 2.0).T, correction=0).reshape(z.shape[1], z.shape[1])
    volume = torch.linalg.eigvalsh(covariance + 1e-4 * torch.eye(z.shape[1], dtype=z.dtype)).log().sum()
    return 0.7 * apart + 0.3 * size - float(volume)


@pytest.mark.parametrize(
    ("loss", "formula"), [(VICREG, vicreg_formula), (BARLOW, barlow_formula), (LOG_DET, log_det_formula)]
)
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("budget", [10**6, 100])
def test_losses_follow_their_published_formulas(
    loss: AgreementLoss, formula: object, group: PairGroup, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(formula)
    monkeypatch.setattr(_agreement, "BLOCK_ELEMENTS", budget)
    expected = [formula(*both) for both in sides(group)]
    assert float(loss(group, None)) == pytest.approx(sum(expected) / len(expected), rel=1e-9)


@pytest.mark.parametrize("loss", [VICREG, BARLOW, LOG_DET])
def test_blocks_do_not_change_the_gradient(loss: AgreementLoss, monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = []
    for budget in (10**6, 1):
        monkeypatch.setattr(_agreement, "BLOCK_ELEMENTS", budget)
        group = several_positives(4)
        group.anchors.requires_grad_(True)
        group.candidates.requires_grad_(True)
        loss(group, None).backward()
        gradients.append((group.anchors.grad, group.candidates.grad))
    for whole, blocked in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, blocked)


def test_large_rows_that_repeat_have_a_finite_volume() -> None:
    z = (1e3 * normal(1, 3, 40)).float().repeat(1, 4, 1).requires_grad_()
    group = PairGroup(anchors=z, candidates=z, **two_view_masks(6, device=z.device)._asdict())
    loss = LOG_DET(group, None)
    loss.backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None and bool(loss.isfinite()) and bool(z.grad.isfinite().all())


@pytest.mark.parametrize("features", [2, 6, 13])
def test_off_diagonal_squares_agree_with_the_matrix(features: int) -> None:
    a, b = normal(4, 6, features), normal(4, 6, features, rng_seed=1)
    matrix = torch.matmul(a.transpose(1, 2), b)
    expected = (matrix * (1.0 - torch.eye(features, dtype=matrix.dtype))).square().sum(dim=(1, 2))
    torch.testing.assert_close(off_diagonal_squares(a, b), expected)
    torch.testing.assert_close(off_diagonal_squares(a, a), off_diagonal_squares(a, a.clone()))


def test_barlow_twins_is_zero_for_equal_uncorrelated_sides() -> None:
    z = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64).repeat(2, 1)
    group = PairGroup(anchors=z[None], candidates=z[None], **two_view_masks(4, device=z.device)._asdict())
    assert float(BARLOW(group, None)) == pytest.approx(0.0, abs=1e-8)
    # with 7 degrees of freedom the deviation is above 1, nothing else is left of VICReg
    assert float(VICREG(group, None)) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize(("loss", "at_collapse"), [(VICREG, 2 * 20.0 * 0.99), (BARLOW, 4.0)])
@pytest.mark.parametrize("rows", [1, 5])
def test_a_collapse_has_a_known_loss_and_a_finite_gradient(loss: AgreementLoss, at_collapse: float, rows: int) -> None:
    for level in (0.0, 3.0):
        z = torch.full((2, 2 * rows, 4), level, requires_grad=True)
        value = loss(PairGroup(anchors=z, candidates=z, **two_view_masks(rows, device=z.device)._asdict()), None)
        value.backward()
        assert value.item() == pytest.approx(at_collapse, rel=1e-5)
        assert z.grad is not None and torch.isfinite(z.grad).all()


@pytest.mark.parametrize("loss", [VICREG, BARLOW])
def test_a_single_anchor_and_none_at_all_are_safe(loss: AgreementLoss) -> None:
    positives = torch.tensor([[True, False], [False, False]])
    for kept in (positives, torch.zeros_like(positives)):
        z = normal(3, 2, 4).requires_grad_(True)
        none = torch.zeros_like(kept)
        value = loss(PairGroup(anchors=z, candidates=z, positives=kept, excluded=none, same_view=none), None)
        value.backward()
        assert torch.isfinite(value) and z.grad is not None and torch.isfinite(z.grad).all()


def test_weights_must_not_be_negative() -> None:
    legal = {"invariance": 1.0, "variance": 1.0, "covariance": 1.0}
    for name in legal:
        with pytest.raises(ValueError, match=rf"VICReg\.{name}: must be a finite number >= 0, got -1"):
            VICReg(**{**legal, name: -1.0})
    with pytest.raises(ValueError, match=r"BarlowTwins\.off_diagonal: must be a finite number >= 0, got nan"):
        BarlowTwins(off_diagonal=float("nan"))
