"""Observed spans and cores."""

from __future__ import annotations

import torch

from contrastive.views import draw_core, observed_span, whole_window


def test_whole_window_counts_steps() -> None:
    view = whole_window(torch.zeros(2, 3, 1))
    assert view.times.tolist() == [[0.0, 1.0, 2.0]] * 2


def test_observed_span_needs_one_variate_and_survives_an_empty_window() -> None:
    x = torch.full((4, 6, 2), torch.nan)
    x[0] = 0.0
    x[1, 2, 0], x[1, 4, 1] = 1.0, 1.0
    x[2, 5, 1] = 1.0
    assert observed_span(x).tolist() == [[0.0, 5.0], [2.0, 4.0], [5.0, 5.0], [0.0, 5.0]]


def test_core_lies_on_whole_steps_of_the_observed_span_and_has_one_length_per_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    span = torch.tensor([[0.0, 63.0]] * 50 + [[10.0, 13.0], [5.0, 5.0]])
    lengths, starts = [], []
    for _ in range(300):
        core = draw_core(span, steps=64, generator=generator)
        assert (core >= span[:, :1]).all() and (core <= span[:, 1:]).all() and torch.equal(core, core.round())
        extent = core[:, 1] - core[:, 0]
        assert (extent[:50] == extent[0]).all() and extent[50] == min(3.0, float(extent[0])) and extent[51] == 0
        lengths.append(int(extent[0]) + 1)
        starts.append(core[:50, 0] / (64 - lengths[-1]) if lengths[-1] < 64 else torch.full((50,), 0.5))
    assert 8 <= min(lengths) <= 10 and 62 <= max(lengths) <= 64
    # Uniform on 8..64: mean 36, standard deviation of the mean of 300 draws below 1.
    assert abs(sum(lengths) / 300 - 36.0) < 4.0
    assert abs(float(torch.cat(starts).mean()) - 0.5) < 0.03
