"""Views that are not in order of time: permuted segments, what moves time after them, and their alignment."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from contrastive.alignment import common_steps, in_time_order
from contrastive.augmentations._base import Augmentation
from contrastive.augmentations.crop import Crop
from contrastive.augmentations.permute import Permute
from contrastive.augmentations.resize import Resize
from contrastive.augmentations.time_warp import TimeWarp
from contrastive.views import View, draw_core, observed_span, whole_window

MOVES = [Crop(ratio=0.5), Resize(ratio=0.4), TimeWarp(sigma=0.5)]


def generator(rng_seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(rng_seed)


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=generator(9))


def shuffled(view: View) -> View:
    order = torch.rand(view.times.shape, generator=generator(7)).argsort(dim=1)
    return replace(view.at(order), ordered=False)


def test_permute_puts_whole_segments_in_another_order() -> None:
    x = normal(400, 40, 2)
    view = Permute(segments=5.0)(whole_window(x), generator=generator())
    assert not view.ordered
    assert torch.equal(view.times.sort(dim=1).values, whole_window(x).times)
    assert torch.equal(view.values, x.gather(1, view.times.long().unsqueeze(-1).expand_as(x)))
    # Five segments in random order: four cuts, of which one in five happens to join neighbours again.
    breaks = (view.times.diff(dim=1) != 1).sum(dim=1).float()
    assert float(breaks.mean()) == pytest.approx(4.0 * (1.0 - 1.0 / 5.0), rel=0.1)
    assert (view.times != whole_window(x).times).float().mean() > 0.6


def test_permute_into_at_most_one_segment_does_nothing() -> None:
    x = normal(20, 15, 2)
    for segments in (0.3, 1.0):
        view = Permute(segments=segments)(whole_window(x), generator=generator())
        assert torch.equal(view.values, x) and torch.equal(view.times, whole_window(x).times)


def test_permute_leaves_padding_at_the_ends() -> None:
    x = normal(50, 30, 2)
    x[:25, 20:] = torch.nan
    x[10:40, :4] = torch.nan
    view = Permute(segments=8.0)(whole_window(x), generator=generator())
    assert torch.equal(torch.isnan(view.values), torch.isnan(x))
    assert torch.equal(observed_span(view.values), observed_span(x))
    assert (view.times[:, 10:20] != whole_window(x).times[:, 10:20]).any(dim=1).float().mean() > 0.9


@pytest.mark.parametrize("move", MOVES)
def test_what_moves_time_does_not_see_the_order_of_the_steps(move: Augmentation) -> None:
    x = normal(12, 40, 2)
    x[:4, 25:] = torch.nan
    window = whole_window(x, core=draw_core(observed_span(x), steps=40, generator=generator(1)))
    expected, view = move(window, generator=generator(2)), move(shuffled(window), generator=generator(2))
    restored = view.at(view.time_order())
    torch.testing.assert_close(restored.times, expected.times)
    if not isinstance(move, Resize):  # equal times at its ends stand in any order
        torch.testing.assert_close(restored.values, expected.values, equal_nan=True)


@pytest.mark.parametrize("move", MOVES)
def test_steps_out_of_order_keep_their_relative_places(move: Augmentation) -> None:
    x = torch.arange(40.0).view(1, 40, 1).expand(10, 40, 1)
    reversed_view = replace(whole_window(x).at(torch.arange(39, -1, -1).expand(10, 40)), ordered=False)
    view = move(reversed_view, generator=generator(2))
    assert (view.times.diff(dim=1) <= 0).all() and view.times.std(dim=1).min() > 3.0
    torch.testing.assert_close(view.values.squeeze(-1), view.times, atol=1e-4, rtol=0)


def test_an_ordered_view_is_left_as_it_is() -> None:
    view = whole_window(normal(3, 8, 1))
    z = normal(3, 2, 8, 4)
    assert view.times_in_order() is view.times and in_time_order(z, view=view) is z
    marked = replace(view, ordered=False)
    assert torch.equal(marked.times_in_order(), view.times) and torch.equal(in_time_order(z, view=marked), z)


@pytest.mark.parametrize("after", [[], MOVES[:1], MOVES[1:2], MOVES[2:], MOVES])
def test_permuted_views_agree_after_alignment(after: list[Augmentation]) -> None:
    """Representations that equal their time give equal rows, however the steps stood, and padding takes no part."""
    chance = generator(3)
    x = torch.arange(40.0).view(1, 40, 1).repeat(12, 1, 1)
    x[:4, 25:] = torch.nan
    span = observed_span(x)
    window = whole_window(x, core=draw_core(span, steps=40, generator=chance))
    views = [Permute(segments=5.0)(window, generator=chance) for _ in range(2)]
    for augmentation in after:
        views = [augmentation(view, generator=chance) for view in views]
    steps = common_steps(views[0].times_in_order(), views[1].times_in_order(), observed=span)
    assert steps is not None
    encoded = [torch.where(torch.isnan(view.values), -99.0, view.times.unsqueeze(-1)) for view in views]
    first, second = (
        in_time_order(z.unsqueeze(1), view=view).flatten(0, 1) for z, view in zip(encoded, views, strict=True)
    )
    z1, z2 = steps.take(first, second, window=torch.arange(12))
    assert z1.shape == z2.shape and z1.shape[1] > 5
    torch.testing.assert_close(z1, z2, atol=1e-3, rtol=0)
    assert (z1.diff(dim=1) >= 0).all() and (z1[:, -1] - z1[:, 0] >= 1.0).all()


def test_an_identity_encoder_tells_equal_rows_of_differently_permuted_windows() -> None:
    x, chance = normal(6, 40, 3), generator(4)
    views = [Permute(segments=8.0)(whole_window(x), generator=chance) for _ in range(2)]
    steps = common_steps(views[0].times_in_order(), views[1].times_in_order(), observed=observed_span(x))
    assert steps is not None
    encoded = [view.values.transpose(1, 2).unsqueeze(-1) for view in views]  # (B, S, T, 1)
    assert not torch.equal(encoded[0], encoded[1])
    first, second = (in_time_order(z, view=view).flatten(0, 1) for z, view in zip(encoded, views, strict=True))
    z1, z2 = steps.take(first, second, window=torch.arange(18) // 3)
    torch.testing.assert_close(z1, z2)
    torch.testing.assert_close(z1, x.transpose(1, 2).reshape(18, 40, 1), atol=1e-4, rtol=0)
