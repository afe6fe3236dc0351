"""Windows to steps: equal to the loop, whatever the grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream.anomaly.detection import attribution
from downstream.anomaly.detection.attribution import over_steps, thinned_ends, window_ends


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 90), st.integers(1, 20), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_step_has_the_mean_of_the_windows_that_cover_it(n: int, window: int, limit: int, rng_seed: int) -> None:
    rng = np.random.default_rng(rng_seed)
    ends = thinned_ends(n, window=window, limit=limit)
    scores = rng.normal(size=(len(ends), 2))
    first = int(rng.integers(n))
    found = over_steps(scores, ends, window=window, steps=slice(first, n))
    for step in range(first, n):
        covering = [score for score, end in zip(scores, ends, strict=True) if end - window < step <= end]
        after = np.flatnonzero(ends >= step)
        expected = np.mean(covering, axis=0) if covering else scores[after[0] if len(after) else -1]
        np.testing.assert_allclose(found[step - first], expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(over_steps(scores[:, 0], ends, window=window, steps=slice(first, n)), found[:, 0])


def test_what_is_large_does_not_hide_what_is_small() -> None:
    ends = window_ends(60, window=4)
    scores = np.where(ends < 20, 1e18, ends.astype(float))
    np.testing.assert_allclose(over_steps(scores, ends, window=4, steps=slice(30, 40)), np.arange(30, 40) + 1.5)


def test_every_step_is_covered_and_has_one_grid_whatever_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribution, "MAX_WINDOWS", 50)
    for n in (5, 32, 33, 200, 1003):
        ends = window_ends(n, window=32)
        assert ends[-1] == n - 1 and ends[0] == min(32, n) - 1
        assert (np.diff(ends) <= 2).all()  # 32 steps, never fewer than 16 windows over a step
        np.testing.assert_array_equal(window_ends(n, window=32, first=n // 2), ends[ends >= n // 2])


def test_thinned_windows_are_even_and_few() -> None:
    ends = thinned_ends(1000, window=10, limit=100)
    assert len(ends) <= 100 and ends[0] == 9 and set(np.diff(ends)) == {10}
    assert thinned_ends(3, window=10, limit=5).tolist() == [2]
