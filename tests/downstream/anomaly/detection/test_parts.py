"""Parts of the anomaly score: closed forms, naive loops, and nothing is measured by itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from downstream.anomaly.detection.parts import PARTS, Cuts
from downstream.anomaly.detection.parts._part import PartByVariate

LENGTH = 6
BY_VARIATE = [name for name, part in PARTS.items() if issubclass(part, PartByVariate)]


def cuts(values: NDArray[np.float32], *, known: bool = True) -> Cuts:
    """Every window of a series; its mean and last value as representation."""
    windows = sliding_window_view(values, LENGTH, axis=0).transpose(0, 2, 1)
    z = np.concatenate([windows.mean(axis=1), windows[:, -1]], axis=1)
    return Cuts(np.ascontiguousarray(windows), np.arange(len(windows)) + LENGTH - 1 if known else None, z)


def noise(n: int = 60, *, variates: int = 2, rng_seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(rng_seed).normal(size=(n, variates)).astype(np.float32)


@pytest.mark.parametrize("name", ["nearest", "nearest_raw", "nearest_shape"])
def test_distances_equal_the_loop(name: str) -> None:
    known, asked = cuts(noise()), cuts(noise(rng_seed=1), known=False)
    seen = {
        "nearest": lambda cut: cut.representation,
        "nearest_raw": lambda cut: cut.values.reshape(len(cut.values), -1),
        "nearest_shape": lambda cut: (cut.values - cut.values.mean(axis=1, keepdims=True)).reshape(len(cut.values), -1),
    }[name]
    part = PARTS[name].fit(known)
    reference = seen(known)
    expected = [min(np.linalg.norm(row - other) for other in reference) for row in seen(asked)]
    np.testing.assert_allclose(part.score(asked), expected, rtol=1e-4)
    own = [
        min(np.linalg.norm(row - other) for j, other in enumerate(reference) if abs(i - j) >= LENGTH)
        for i, row in enumerate(reference)
    ]
    np.testing.assert_allclose(part.score(known), own, rtol=1e-4)


@pytest.mark.parametrize("name", ["nearest", "nearest_raw", "nearest_shape"])
def test_a_window_is_not_its_own_neighbour_unless_it_comes_from_elsewhere(name: str) -> None:
    known = cuts(noise())
    part = PARTS[name].fit(known)
    assert part.score(known).min() > 0.1
    np.testing.assert_allclose(part.score(known._replace(places=None)), 0.0, atol=2e-3)
    # So short that all windows overlap: only the window itself does not count. One window has nobody.
    short = cuts(noise(LENGTH + 2))
    assert PARTS[name].fit(short).score(short).min() > 0
    one = cuts(noise(LENGTH))
    assert PARTS[name].fit(one).score(one).tolist() == [0.0]


def test_shape_ignores_level_and_raw_does_not() -> None:
    known = cuts(noise())
    lifted = known._replace(values=known.values + 5, places=None)
    assert PARTS["nearest_shape"].fit(known).score(lifted).max() < 2e-3
    assert PARTS["nearest_raw"].fit(known).score(lifted).min() > 5


def test_amplitude_counts_robust_deviations() -> None:
    known = cuts(noise(2000, variates=1))
    part = PARTS["amplitude"].fit(known)
    level = Cuts(np.full((1, LENGTH, 1), 7.0, dtype=np.float32), None, None)
    rows = known.values.ravel()
    median = np.median(rows)
    expected = (7 - median) / (1.4826 * np.median(np.abs(rows - median)))
    assert part.score(level)[0] == pytest.approx(expected, rel=1e-6)
    # A variate that mostly rests: a tenth of its deviation; one that never moves: its own unit.
    resting = np.zeros((1, 100, 2), dtype=np.float32)
    resting[0, 0, 0] = 10.0
    found = PARTS["amplitude"].fit(Cuts(resting, np.array([99]), None)).squares(Cuts(resting[:, :1], None, None))
    np.testing.assert_allclose(found, [[(10 / (0.1 * resting[0, :, 0].std())) ** 2 / 2, 0.0]], rtol=1e-6)


def test_sub_pca_leaves_over_what_is_off_the_normal_plane() -> None:
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(LENGTH, LENGTH)))[0]
    rows = (rng.normal(size=(500, 2)) @ plane[:2]).astype(np.float32)
    part = PARTS["sub_pca"].fit(Cuts(rows[:, :, None], np.arange(500) * LENGTH, None))
    asked = (3 * plane[:1] + 4 * plane[2:3]).astype(np.float32)
    assert part.score(Cuts(asked[:, :, None], None, None))[0] == pytest.approx(4.0, rel=1e-3)
    flat = Cuts(np.ones((5, LENGTH, 1), dtype=np.float32), np.arange(5), None)
    assert PARTS["sub_pca"].fit(flat).score(flat._replace(values=flat.values + 1)) == pytest.approx([LENGTH**0.5] * 5)


def test_sub_pca_measures_normal_windows_by_other_quarters() -> None:
    known = cuts(noise(200, variates=1))
    part = PARTS["sub_pca"].fit(known)
    begins = [int(np.flatnonzero((known.places - 5) * 4 // 195 == quarter)[0]) for quarter in range(4)]
    second = slice(begins[1], begins[2])
    others = np.r_[: begins[1] - LENGTH + 1, begins[2] - 1 + LENGTH : 195]
    there = Cuts(known.values[others], known.places[others], None)
    alone = PARTS["sub_pca"].fit(there).score(Cuts(known.values[second], None, None))
    np.testing.assert_allclose(part.score(known)[second], alone, rtol=1e-4, atol=1e-5)


def test_isolation_is_scikit_learns() -> None:
    from sklearn.ensemble import IsolationForest

    known, asked = cuts(noise(100)), cuts(noise(80, rng_seed=1) * 3, known=False)
    forest = IsolationForest(random_state=0).fit(known.flat())
    np.testing.assert_array_equal(PARTS["isolation"].fit(known).score(asked), -forest.score_samples(asked.flat()))


@pytest.mark.parametrize("name", BY_VARIATE)
def test_squares_belong_to_the_variate_that_is_strange(name: str) -> None:
    waves = np.sin(np.arange(160)[:, None] / np.array([2.0, 3.0, 5.0])).astype(np.float32)
    known, asked = cuts(waves[:120] + 0.1 * noise(120, variates=3)), waves[120:]
    asked[:, 1] += 8 * np.sin(np.arange(40))
    part = PARTS[name].fit(known)
    assert isinstance(part, PartByVariate)
    squares = part.squares(cuts(asked, known=False))
    assert (squares >= 0).all() and (squares.argmax(axis=1) == 1).all()
    np.testing.assert_allclose(part.score(cuts(asked, known=False)) ** 2, squares.sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("name", BY_VARIATE)
def test_order_of_variates_moves_the_squares_along(name: str) -> None:
    order = [2, 0, 1]
    known, asked = noise(120, variates=3), noise(40, variates=3, rng_seed=1)
    plain = PARTS[name].fit(cuts(known)).squares(cuts(asked, known=False))
    moved = PARTS[name].fit(cuts(known[:, order])).squares(cuts(asked[:, order], known=False))
    np.testing.assert_allclose(moved, plain[:, order], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", PARTS)
def test_a_window_does_not_depend_on_its_company(name: str) -> None:
    part = PARTS[name].fit(cuts(noise(100)))
    asked = cuts(noise(50, rng_seed=1), known=False)
    alone = asked._replace(values=asked.values[7:8], representation=asked.representation[7:8])
    np.testing.assert_allclose(part.score(alone), part.score(asked)[7:8], rtol=1e-4)
