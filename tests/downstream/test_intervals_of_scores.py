"""Intervals hold what they promise: of many samples, about 95 in 100 hold the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from downstream.forecasting.errors import TestErrors
from downstream.forecasting.task import Origins
from downstream.metrics import mean_interval, resampled_interval, share_interval


def test_the_interval_of_a_share_is_known() -> None:
    # Wilson's interval of 8 in 10, as published tables have it
    assert share_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert share_interval(0, 10)[0] == 0.0 and share_interval(10, 10)[1] == 1.0


def test_intervals_of_means_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    held = [low <= 3.0 <= high for low, high in (mean_interval(rng.normal(3.0, 1.0, 8).tolist()) or (9, 9)
                                                   for _ in range(400))]  # fmt: skip
    assert 0.91 < np.mean(held) < 0.985


def test_resampled_intervals_hold_the_truth_and_need_some_cases() -> None:
    def root(squares: Any, axis: int = -1) -> Any:
        return np.sqrt(squares.mean(axis=axis))

    rng = np.random.default_rng(0)
    found = [resampled_interval(rng.normal(0.0, 2.0, 200) ** 2, root) or (9, 9) for _ in range(60)]
    assert np.mean([low <= 2.0 <= high for low, high in found]) > 0.85
    assert resampled_interval(np.ones(3), root) is None and mean_interval([1.0] * 3) is None


class Opened:
    """A panel of two series whose test part begins at different steps."""

    series = (np.zeros((1000, 1)), np.zeros((600, 1)))
    bounds = ((300, 400), (100, 200))


def test_errors_of_test_time_are_summed_whole_and_by_stretches() -> None:
    rng = np.random.default_rng(0)
    tested = TestErrors(Opened(), [2, 4])  # type: ignore[arg-type]
    parts = []
    for number, first, end in ((0, 400, 1000), (1, 200, 600)):
        steps = np.arange(first - 1, end - 4)
        errors = rng.normal(size=(len(steps), 4, 1))
        errors[::7, 1] = np.nan
        parts.append(errors)
        for block in np.array_split(np.arange(len(steps)), 9):  # however they come
            for horizon in (2, 4):
                origins = Origins(np.full(len(block), number), steps[block])
                tested.add(horizon, origins, errors[block, :horizon])
    both = np.concatenate(parts)
    expected = np.mean([np.nanmean(both[:, :horizon] ** 2) for horizon in (2, 4)])
    assert tested.metrics()["mse"] == pytest.approx(expected)
    low, high = tested.interval or (9.0, 9.0)
    assert low < expected < high < expected + 0.5


def test_short_test_time_has_no_interval() -> None:
    tested = TestErrors(Opened(), [200])  # type: ignore[arg-type]
    tested.add(200, Origins(np.array([0]), np.array([500])), np.ones((1, 200, 1)))
    assert tested.interval is None and tested.metrics()["mse"] == 1.0
