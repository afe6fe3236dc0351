"""Weightings that need the losses of a batch only, against plain numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from contrastive.weightings._base import Rows
from contrastive.weightings._order import rank_shares
from contrastive.weightings.by_group import ByGroup
from contrastive.weightings.mixed import Mixed
from contrastive.weightings.trimmed import Trimmed

ALL = torch.ones(10, dtype=torch.bool)
LOSSES = torch.tensor([[3.0, 0.5, 9.0, 1.0, 7.0, 2.0, 4.0, 8.0, 6.0, 5.0]], dtype=torch.float64)


def standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


def test_trimmed_leaves_out_the_largest_losses_more_of_them_later() -> None:
    weighting = Trimmed(share=0.4, warmup=100.0)
    for iteration, left_out in ((0, 0), (24, 0), (25, 1), (50, 2), (99, 3), (100, 4), (10**6, 4)):
        weights = weighting(LOSSES, counts=ALL, iteration=iteration)[0]
        kept = np.argsort(LOSSES[0].numpy())[: 10 - left_out]
        assert set(weights.nonzero().flatten().tolist()) == set(kept.tolist())
        assert weights[kept].tolist() == pytest.approx([10 / (10 - left_out)] * len(kept))


def test_trimmed_keeps_what_equals_the_largest_kept() -> None:
    tied = torch.tensor([[1.0, 2.0, 2.0, 2.0, 5.0]])
    weights = Trimmed(share=0.5, warmup=1.0)(tied, counts=ALL[:5], iteration=1)
    assert weights.tolist() == [[1.25, 1.25, 1.25, 1.25, 0.0]]


def test_mixed_shares_the_weight_of_every_pair_of_easy_and_hard() -> None:
    weights = Mixed(tilt=0.7)(LOSSES, counts=ALL, iteration=0)[0].numpy()
    order, scores = np.argsort(LOSSES[0].numpy()), standard(LOSSES[0].numpy())
    for easy, hard in zip(order[:5], order[:4:-1], strict=True):
        share = 1.0 / (1.0 + math.exp(-0.7 * (scores[hard] - scores[easy])))
        assert weights[easy] == pytest.approx(2 * share) and weights[hard] == pytest.approx(2 * (1 - share))


def test_the_one_in_the_middle_is_its_own_partner_and_equal_losses_weigh_the_same() -> None:
    weights = Mixed(tilt=1.0)(torch.tensor([[5.0, 1.0, 2.0]]), counts=ALL[:3], iteration=0)[0]
    assert weights[2].item() == pytest.approx(1.0)
    tied = Mixed(tilt=1.0)(torch.tensor([[5.0, 1.0, 1.0, 9.0, 1.0]]), counts=ALL[:5], iteration=0)[0]
    assert tied[1] == tied[2] == tied[4] > 1.0 > tied[0] > tied[3]


def by_group(losses: Tensor, rows: Rows, *, stretches: float) -> Tensor:
    instances = torch.arange(len(losses)).unsqueeze(1)
    counts = ALL[: losses.shape[1]]
    return ByGroup(tilt=0.5, stretches=stretches)(losses, counts=counts, iteration=0, instances=instances, rows=rows)


def test_groups_are_streams_in_stretches_of_the_windows() -> None:
    losses = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64).exp()
    streams, windows = torch.tensor([0, 1, 0, 1, 0, 1]), torch.tensor([0, 0, 4, 4, 9, 9])
    rows = Rows(torch.zeros(6, 2, 3), streams, windows, 10)
    groups = {1.0: [0, 1, 0, 1, 0, 1], 2.0: [0, 1, 0, 1, 2, 3], 10.0: [0, 1, 2, 3, 4, 5]}
    for stretches, group in groups.items():
        of = np.array(group)
        means = np.array([losses.numpy()[of == g].mean() for g in range(max(group) + 1)])
        raw = np.exp(0.5 * standard(means))[of]
        weights = by_group(losses, rows, stretches=stretches).numpy()
        np.testing.assert_allclose(weights, np.repeat((raw / raw.mean())[:, None], 4, axis=1), rtol=1e-6)


def test_without_their_places_windows_are_one_stretch() -> None:
    losses = torch.rand(4, 3, generator=torch.Generator().manual_seed(1))
    streams, windows = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 9, 9])
    known, unknown = Rows(torch.zeros(4, 2, 3), streams, windows, 10), Rows(torch.zeros(4, 2, 3), streams)
    assert torch.equal(by_group(losses, unknown, stretches=5.0), by_group(losses, known, stretches=1.0))


def test_rank_shares_are_those_of_the_mean_rank() -> None:
    assert rank_shares(torch.tensor([3.0, 1.0, 1.0 + 1e-7, 9.0])).tolist() == pytest.approx([0.75, 0.375, 0.375, 1.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Trimmed(share=1.0, warmup=1.0), r"trimmed\.share: must be"),
        (lambda: Trimmed(share=0.1, warmup=0.0), r"trimmed\.warmup: must be"),
        (lambda: Mixed(tilt=0.0), r"mixed\.tilt: must be"),
        (lambda: ByGroup(tilt=-1.0, stretches=1.0), r"by_group\.tilt: must be"),
        (lambda: ByGroup(tilt=1.0, stretches=0.5), r"by_group\.stretches: must be"),
    ],
)
def test_parameters_out_of_range_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
