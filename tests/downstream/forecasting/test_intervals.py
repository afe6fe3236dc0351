"""Intervals of forecasts: quantiles of errors, and the stretches of steps that share them."""

from __future__ import annotations

import numpy as np
import torch

from downstream.forecasting.combining.intervals import LEVELS, Intervals, stretches


def test_intervals_are_quantiles_of_errors_and_wider_for_a_handful() -> None:
    errors = np.random.default_rng(0).normal(size=(20_000, 5, 2)) * [1.0, 3.0]
    intervals = Intervals.of(torch.as_tensor(errors, dtype=torch.float32))
    found = intervals.at((0.1, 0.5, 0.9)).numpy()  # (levels, horizon, variates)
    assert found.shape == (3, 5, 2)
    expected = np.asarray([-1.2816, 0.0, 1.2816])[:, None, None] * [1.0, 3.0]
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=0.12)
    assert (np.diff(intervals.at(np.linspace(0.005, 0.995, 50)).numpy(), axis=0) >= 0).all()
    few = Intervals.of(torch.as_tensor(errors[:5], dtype=torch.float32)).at((0.1, 0.9))
    reached = torch.as_tensor(np.stack([errors[:5, 0].min(0), errors[:5, 0].max(0)]), dtype=torch.float32)
    torch.testing.assert_close(few[:, 0], reached)  # five errors hold no tenth: the outermost ones stand for it
    nothing = Intervals.of(torch.full((4, 5, 2), torch.nan)).at(LEVELS)
    assert not bool(nothing.any())


def test_stretches_cover_all_steps_once() -> None:
    for horizon in (1, 2, 7, 96, 720):
        steps = [step for stretch in stretches(horizon) for step in range(stretch.start, stretch.stop)]
        assert steps == list(range(horizon))
