"""Aligned steps show the same, observed, time: representations that equal their time must agree."""

from __future__ import annotations

import torch

from contrastive.alignment import common_steps
from contrastive.augmentations.crop import Crop
from contrastive.augmentations.resize import Resize
from contrastive.views import View, draw_core, observed_span, whole_window


def test_equal_time_maps_without_padding_cost_nothing() -> None:
    view = whole_window(torch.zeros(3, 7, 1))
    assert common_steps(view.times, view.times, observed=observed_span(view.values)) is None


def test_one_late_gap_does_not_cost_the_others_a_step() -> None:
    x = torch.zeros(16, 20, 1)
    x[0, 19] = torch.nan
    view = whole_window(x)
    steps = common_steps(view.times, view.times, observed=observed_span(x))
    assert steps is not None
    torch.testing.assert_close(steps.first[1:], view.times[1:])
    torch.testing.assert_close(steps.second[0], torch.linspace(0.0, 18.0, 20))


def test_every_mix_of_time_moves_agrees_on_the_observed_common_span() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.arange(40.0).view(1, 40, 1).repeat(12, 1, 1)
    x[:4, 25:] = torch.nan
    x[4:8, :10] = torch.nan
    span = observed_span(x)
    moves = {"none": [], "crop": [Crop(ratio=0.5)], "resize": [Resize(ratio=0.4)]}
    moves["both"] = [*moves["crop"], *moves["resize"]]
    for first_move in moves.values():
        for second_move in moves.values():
            window = whole_window(x, core=draw_core(span, steps=40, generator=generator))
            views: list[View] = []
            for chain in (first_move, second_move):
                view = window
                for augmentation in chain:
                    view = augmentation(view, generator=generator)
                views.append(view)
            steps = common_steps(views[0].times, views[1].times, observed=span)
            assert steps is not None
            times = [view.times.unsqueeze(-1) for view in views]
            z1, z2 = steps.take(times[0], times[1], window=torch.arange(12))
            assert z1.shape == z2.shape and 2 <= z1.shape[1] <= 40
            torch.testing.assert_close(z1, z2, atol=1e-3, rtol=0)
            assert (z1.squeeze(-1) >= span[:, :1] - 1e-3).all() and (z1.squeeze(-1) <= span[:, 1:] + 1e-3).all()
            assert (z1.diff(dim=1) >= 0).all()
            # Padding does not even touch the ends.
            missing = [torch.isnan(view.values).float() for view in views]
            assert not any(part.any() for part in steps.take(missing[0], missing[1], window=torch.arange(12)))


def test_rows_follow_their_window() -> None:
    first = torch.tensor([[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    second = torch.tensor([[1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]])
    steps = common_steps(first, second, observed=torch.tensor([[0.0, 5.0], [0.0, 5.0]]))
    assert steps is not None
    window = torch.tensor([1, 0, 1])
    z1, z2 = steps.take(first[window].unsqueeze(-1), second[window].unsqueeze(-1), window=window)
    torch.testing.assert_close(z1, z2)
    assert z1[:, 0, 0].tolist() == [2.0, 1.0, 2.0] and z1[:, -1, 0].tolist() == [3.0, 3.0, 3.0]


def test_a_view_between_two_observed_steps_counts_as_showing_the_span() -> None:
    times = torch.tensor([[0.2, 1.7, 3.2]])
    steps = common_steps(times, torch.arange(4.0).unsqueeze(0), observed=torch.tensor([[1.0, 1.0]]))
    assert steps is not None
    torch.testing.assert_close(torch.cat(steps), torch.tensor([[0.8 / 1.5], [1.0]]))


def test_a_single_common_step_is_the_middle() -> None:
    times = torch.tensor([[0.0]])
    steps = common_steps(times, times.clone(), observed=torch.tensor([[0.0, 0.0]]))
    assert steps is not None and steps.first.tolist() == [[0.0]]
