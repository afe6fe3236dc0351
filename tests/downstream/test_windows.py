"""Windows against naive slicing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream.windows import Windows, spread_starts


def _values(steps: int, variates: int = 2) -> np.ndarray:
    return np.arange(steps * variates, dtype=np.float32).reshape(steps, variates)


def test_gather_equals_naive_slices() -> None:
    values = _values(20)
    windows = Windows(values, np.array([0, 3, 15]), 5)
    expected = np.stack([values[s : s + 5] for s in (0, 3, 15)])
    np.testing.assert_array_equal(windows.gather(), expected)
    np.testing.assert_array_equal(windows.gather([2, 0, 2]), expected[[2, 0, 2]])
    np.testing.assert_array_equal(windows.gather(slice(1, None)), expected[1:])
    assert (windows.n, len(windows), windows.n_variates) == (3, 3, 2)


def test_gather_is_a_copy_and_accepts_nothing() -> None:
    values = _values(6)
    windows = Windows(values, np.array([1]), 3)
    windows.gather()[:] = -1.0
    np.testing.assert_array_equal(values, _values(6))
    assert windows.gather([]).shape == (0, 3, 2)
    assert windows.subset([]).gather().shape == (0, 3, 2)


def test_subset_shares_values() -> None:
    windows = Windows(_values(20), np.arange(10), 4)
    subset = windows.subset(np.array([7, 2]))
    assert subset.values is windows.values
    np.testing.assert_array_equal(subset.gather(), windows.gather([7, 2]))


def test_float64_becomes_float32() -> None:
    assert Windows(np.ones((4, 1)), np.array([0], dtype=np.int32), 2).gather().dtype == np.float32


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_observed_equals_naive_loop(rng_seed: int, length: int) -> None:
    rng = np.random.default_rng(rng_seed)
    values = np.where(rng.random((30, 2)) < 0.8, np.nan, 1.0).astype(np.float32)
    windows = Windows(values, np.arange(31 - length), length)
    naive = [bool((~np.isnan(values[s : s + length])).any()) for s in range(31 - length)]
    assert windows.observed().tolist() == naive


@pytest.mark.parametrize(
    ("values", "starts", "length", "message"),
    [
        (np.zeros(4), [0], 2, "must be .steps, variates"),
        (np.zeros((4, 1)), [[0]], 2, "must be .n,"),
        (np.zeros((4, 1)), [0], 0, "at least 1"),
        (np.zeros((4, 1)), [3], 2, r"0\.\.2"),
        (np.zeros((4, 1)), [-1], 2, r"0\.\.2"),
    ],
)
def test_bad_windows_are_refused(values: np.ndarray, starts: list[int], length: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Windows(values, np.asarray(starts), length)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=5), st.integers(1, 12), st.integers(1, 30))
def test_spread_starts_stay_inside_and_respect_the_limit(sizes: list[int], length: int, limit: int) -> None:
    ends = np.cumsum(sizes)
    spans = [(int(end - size), int(end)) for size, end in zip(sizes, ends, strict=True)]
    starts = spread_starts(spans, length=length, limit=limit)
    for start in starts:
        assert any(first <= start and start + length <= end for first, end in spans)
    assert len(starts) <= limit + len(spans)
    everything = spread_starts(spans, length=length, limit=10**6)
    assert len(everything) == sum(max(size - length + 1, 0) for size in sizes)
