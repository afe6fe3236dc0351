"""The look-ahead against gradients and a real step, and what the nets learn from it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from contrastive.groups import TwoViewGroup
from contrastive.hierarchy import build_scales, contrast
from contrastive.losses.nt_xent import NTXent
from contrastive.pairs.instance import Instance
from contrastive.pairs.temporal import Temporal
from contrastive.similarities.dot import Dot
from contrastive.weightings._base import AnchorWeights, Origin, Rows
from contrastive.weightings._look_ahead import look_ahead
from contrastive.weightings._meta_net import MetaNetWeighting
from contrastive.weightings.mentor_net import MentorNet
from contrastive.weightings.meta_weight_net import MetaWeightNet
from search_space import registry

R, T, D = 8, 3, 4
HELD = [6, 7]
OTHERS = [0, 1, 2, 3, 4, 5]


def views(rng_seed: int = 0) -> tuple[Tensor, Tensor]:
    z = torch.randn(2, R, T, D, generator=torch.Generator().manual_seed(rng_seed))
    return z[0], z[0] + 0.5 * z[1]


def rows_of(z: Tensor, **changes: Any) -> Rows:
    return Rows(z, torch.zeros(len(z), dtype=torch.long))._replace(**changes)


def compare(z1: Tensor, z2: Tensor, weighting: AnchorWeights | None) -> Tensor:
    """The loss of steps and of whole windows."""
    scales, pairs = build_scales(z1, z2, pool="avg", kernel=0), (Instance(), Temporal())
    return contrast(
        scales, pairs=pairs, loss=NTXent(temperature=1.0), similarity=Dot(), hierarchical=False, weighting=weighting
    )


class Only:
    """Counts one anchor of one call, and that one once."""

    def __init__(self, call: int, at: tuple[int, int]) -> None:
        self.call, self.at, self.calls = call, at, 0

    def __call__(self, losses: Tensor, *, counts: Tensor, instances: Tensor | None) -> Tensor:
        weights = torch.zeros_like(losses)
        if self.calls == self.call:
            weights[self.at] = losses.numel()
        self.calls += 1
        return weights


def slope_of_map(z1: Tensor, z2: Tensor, weighting: AnchorWeights | None) -> Tensor:
    moved = torch.zeros(D, D, requires_grad=True)
    loss = compare(z1 + z1 @ moved, z2 + z2 @ moved, weighting)
    return torch.autograd.grad(loss, moved)[0]


def test_a_slope_is_the_product_of_the_gradients_of_an_anchor_and_of_what_is_held_out() -> None:
    z1, z2 = views()
    seen = look_ahead(z1, z2, compare, rows=rows_of(z1))
    of_held = slope_of_map(z1[HELD], z2[HELD], None)
    assert [call.losses.shape for call in seen] == [(1, 12), (6, 6)]
    for call, at in ((0, (0, 0)), (0, (0, 7)), (1, (0, 3)), (1, (5, 5))):
        own = 2 * slope_of_map(z1[OTHERS], z2[OTHERS], Only(call, at))  # two kinds share the loss
        expected = float((own * of_held).sum() / of_held.norm())
        assert float(seen[call].slopes[at]) == pytest.approx(expected, rel=2e-2, abs=2e-3)


def test_weights_along_the_slopes_bring_the_held_out_loss_down_more() -> None:
    z1, z2 = views(1)
    seen = look_ahead(z1, z2, compare, rows=rows_of(z1))
    found = {}
    for way in (1.0, 0.0, -1.0):
        weights = iter([(1.0 + way * call.slopes.sign()) for call in seen])

        def weighting(losses: Tensor, *, counts: Tensor, instances: Tensor | None, given: Any = weights) -> Tensor:
            raw: Tensor = next(given)
            return raw / raw.mean()

        step = -0.02 * slope_of_map(z1[OTHERS], z2[OTHERS], weighting)
        found[way] = float(compare(z1[HELD] + z1[HELD] @ step, z2[HELD] + z2[HELD] @ step, None))
    assert found[1.0] < found[0.0] < found[-1.0]


def test_held_out_are_whole_windows_that_come_last_in_the_batch() -> None:
    z1, z2 = views()
    windows = torch.tensor([5, 9, 5, 0, 3, 9, 3, 0])  # in order of appearance 5, 9, 0, 3
    seen = look_ahead(z1, z2, compare, rows=rows_of(z1, windows=windows, n_windows=10))
    known = seen[0].origin
    assert known is not None and known.rows.windows is not None
    assert sorted(known.rows.windows.tolist()) == [5, 5, 9, 9]
    few = torch.tensor([1, 1, 1, 2, 2, 3, 3, 3])
    assert look_ahead(z1, z2, compare, rows=rows_of(z1, windows=few, n_windows=10)) == []


def noisy() -> tuple[Tensor, Tensor]:
    """Views of which rows 0, 1 and 2 have nothing in common."""
    z = torch.randn(2, R, T, D, generator=torch.Generator().manual_seed(3))
    second = z[0].clone()
    second[:3] = z[1, :3]
    return z[0], second


@pytest.mark.parametrize("make", [partial(MetaWeightNet, rate=0.3), partial(MentorNet, rate=0.3, course=100.0)])
def test_a_net_learns_what_helps_the_held_out(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MetaNetWeighting, "looks_ahead_every", 1)
    torch.manual_seed(0)
    weighting = make()
    z1, z2 = noisy()
    rows = rows_of(z1)
    seen = look_ahead(z1, z2, compare, rows=rows)

    def gain() -> float:
        found = 0.0
        for losses, slopes, origin in seen:
            assert origin is not None
            counts = torch.ones(losses.shape[1], dtype=torch.bool)
            given = {"instances": origin.instances, "rows": origin.rows}
            found += float((weighting(losses, counts=counts, iteration=10**6, **given) * slopes).mean())
        return found

    before = gain()
    for _ in range(60):
        weighting.learn(z1, z2, compare, iteration=10**6, rows=rows)
    assert gain() > before + 0.1 * abs(before)


def test_a_meta_step_is_taken_every_so_many_iterations_and_only_from_finite_losses() -> None:
    torch.manual_seed(0)
    weighting = MetaWeightNet(rate=0.1)
    z1, z2 = views()
    moved = []
    for iteration in range(11):
        before = weighting.inner_weight
        weighting.learn(z1, z2, compare, iteration=iteration, rows=rows_of(z1))
        moved.append(not torch.equal(before, weighting.inner_weight))
    assert [at for at, one in enumerate(moved) if one] == [4, 9]
    before = weighting.inner_weight
    weighting.learn(z1 * torch.nan, z2, compare, iteration=4, rows=rows_of(z1))
    assert torch.equal(before, weighting.inner_weight)


def test_mentor_net_reads_loss_excess_over_the_percentile_time_and_cluster() -> None:
    torch.manual_seed(0)
    weighting, z = MentorNet(rate=0.1, course=100.0), views()[0]
    losses = torch.tensor([[1.0, 2.0, 3.0, 6.0], [2.0, 5.0, 7.0, 9.0]])
    counts, past = torch.ones(4, dtype=torch.bool), []
    for iteration, scale in enumerate((1.0, 0.5, 0.25)):
        weighting(losses * scale, counts=counts, iteration=iteration)
        past.append(6.0 * scale)  # the sixth of eight
    kept = 0.95 * (0.95 * past[0] + 0.05 * past[1]) + 0.05 * past[2]
    assert float(weighting.percentile[0]) == pytest.approx(kept) and weighting.percentile[1:].isnan().all()
    rows = rows_of(z)
    group = TwoViewGroup(z, torch.arange(2).unsqueeze(1))
    assert group.instances is not None
    origin = Origin(rows, group.instances.expand(2, 4))
    read = weighting._inputs(losses, iteration=25, call=0, origin=origin)
    values = losses.numpy()
    assert read[..., 0].numpy() == pytest.approx((values - values.mean()) / values.std(), rel=1e-5)
    assert read[..., 1].numpy() == pytest.approx((values - kept) / values.std(), rel=1e-5)
    assert (read[..., 2] == 0.25).all()
    assert (read[..., 3:].sum(dim=-1) == 1).all() and (read[..., 3:] == read[:, :1, 3:]).all()


@pytest.mark.parametrize("name", ["meta_weight_net", "mentor_net"])
def test_the_net_is_drawn_from_the_generator_of_the_process(name: str) -> None:
    choices = {key: values[0] for key, values in registry.get("weighting", name).choices.items()}
    nets = []
    for rng_seed in (3, 3, 4):
        torch.manual_seed(rng_seed)
        nets.append(registry.build("weighting", name, **choices).inner_weight)
    assert torch.equal(nets[0], nets[1]) and not torch.equal(nets[0], nets[2])


def test_parameters_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"MetaWeightNet\.rate: must be"):
        MetaWeightNet(rate=0.0)
    with pytest.raises(ValueError, match=r"mentor_net\.course: must be"):
        MentorNet(rate=0.1, course=0.0)
