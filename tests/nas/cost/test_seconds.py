"""Seconds: the linear model finds what it was made from, and measuring gives a speed."""

from __future__ import annotations

import numpy as np
import pytest

from nas.cost import Speed, calibrate, default_speed
from nas.cost.counting import Counts
from nas.cost.seconds import fit_speed
from search_space.presets import preset


def counts_of(rng: np.random.Generator) -> Counts:
    products, moved, kernels = 10 ** rng.uniform((7, 7, 2), (10, 10, 5))
    return Counts(products / 3, products, 0.0, moved, kernels)


def test_the_fit_finds_the_speed_behind_noisy_seconds() -> None:
    rng = np.random.default_rng(0)
    true = Speed(base=2e-3, per_multiply_add=3e-11, per_byte=2e-10, per_kernel=5e-6)
    counts = [counts_of(rng) for _ in range(300)]
    seconds = [true.seconds(one) * rng.uniform(0.9, 1.1) for one in counts]
    found = fit_speed(counts, seconds)
    assert found.per_multiply_add == pytest.approx(true.per_multiply_add, rel=0.1)
    assert found.per_byte == pytest.approx(true.per_byte, rel=0.1)
    assert found.per_kernel == pytest.approx(true.per_kernel, rel=0.1)


def test_no_coefficient_is_negative() -> None:
    rng = np.random.default_rng(1)
    counts = [counts_of(rng) for _ in range(20)]
    found = fit_speed(counts, [1e9 / one.kernels for one in counts])
    assert min(found.base, found.per_multiply_add, found.per_byte, found.per_kernel) >= 0


def test_a_machine_can_be_measured() -> None:
    speed = calibrate([preset("dlinear"), preset("notes_best")], variates=1, steps=16, repeats=1)
    assert speed.seconds(Counts(1e8, 3e8, 0.0, 1e8, 1e3)) > 0
    with pytest.raises(ValueError, match="at least one genotype is needed"):
        calibrate([])
    assert default_speed().seconds(Counts()) == 0.0
