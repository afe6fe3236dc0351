"""Splits in time and by class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream.data.options import LoadOptions
from downstream.data.splitting import split_rows, stratified_order
from downstream.errors import DataError


def _split(n_rows: int, *, stem: str = "set", whole: bool = True, **options: object) -> tuple[int, int, int]:
    chosen = LoadOptions(name="set", **options)  # type: ignore[arg-type]
    return split_rows(n_rows, stem=stem, options=chosen, source="set", whole=whole)[:3]


@pytest.mark.parametrize(
    ("n_rows", "options", "ends"),
    [
        (100, {}, (60, 80, 100)),
        (100, {"protocol": "long_horizon"}, (70, 80, 100)),
        (100, {"pool_test": True}, (70, 100, 100)),
        (100, {"splits": (0.5, 0.25, 0.25)}, (50, 75, 100)),
        (100, {"splits": (50, 20, 10)}, (50, 70, 80)),
        (17420, {"stem": "ETTh1"}, (8640, 11520, 14400)),
        (69680, {"stem": "ettm2"}, (34560, 46080, 57600)),
        (17420, {"stem": "ETTh1", "whole": False}, (10452, 13936, 17420)),
        (10000, {"stem": "ETTh1"}, (6000, 8000, 10000)),
    ],
)
def test_rows(n_rows: int, options: dict[str, object], ends: tuple[int, int, int]) -> None:
    assert _split(n_rows, **options) == ends  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n_rows", "splits", "message"),
    [
        (100, (60, 30, 20), "need 110 rows, there are 100"),
        (100, (0.6, 0.3, 0.2), "add up to more than 1"),
        (2, None, "2 rows are too few"),
    ],
)
def test_rows_that_do_not_fit(n_rows: int, splits: tuple[float, float, float] | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _split(n_rows, splits=splits)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.integers(0, 2**32 - 1))
def test_prefixes_mirror_the_classes(labels: list[int], rng_seed: int) -> None:
    array = np.asarray(labels)
    order = stratified_order(array, rng=np.random.default_rng(rng_seed))
    assert sorted(order.tolist()) == list(range(len(array)))
    n_classes = len(set(labels))
    assert len(set(array[order[:n_classes]].tolist())) == n_classes
    for size in range(n_classes, len(array) + 1):
        counts = np.bincount(array[order[:size]], minlength=5)
        expected = np.bincount(array, minlength=5) * size / len(array)
        assert np.abs(counts - expected).max() <= n_classes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "best"}, "protocol must be one of default, ts2vec, long_horizon, got 'best'"),
        ({"layout": "tnc"}, "layout must be 'nct'"),
        ({"window": 0}, "window must be at least 1, got 0"),
        ({"max_cases": -1}, "max_cases must be at least 1"),
        ({"horizons": ()}, "horizons must be one or more"),
        ({"horizons": (0,)}, "horizons must be one or more"),
        ({"rows": (5, 5)}, "rows must be .first, end."),
        ({"splits": (1, 0, 1)}, "splits must be"),
        ({"splits": (0.5, 0.5)}, "splits must be"),
    ],
)
def test_options_say_their_range(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LoadOptions(name="set", **options)  # type: ignore[arg-type]


def test_all_wrong_options_are_named_together() -> None:
    with pytest.raises(ValueError, match=r"protocol .*; window .*; max_rows"):
        LoadOptions(name="set", protocol="x", window=0, max_rows=0)  # type: ignore[arg-type]
