"""The score that is handed over: a weighted mean on one scale, one score per step, nothing from company or labels."""

from __future__ import annotations

import numpy as np
import pytest

from downstream.anomaly.detection.detector import THRESHOLD, Detector, NormalRows, unit_of, usual_size
from downstream.anomaly.detection.parts import PARTS


def values(n: int = 300, *, rng_seed: int = 0) -> np.ndarray:
    return np.random.default_rng(rng_seed).normal(size=(n, 2)).astype(np.float32)


def detector(toy, normal: NormalRows, **others) -> Detector:
    return Detector(normal, window=toy.window, represent=toy.mean_and_last, **others)


def test_one_normal_step_in_a_hundred_is_above_the_threshold_in_any_series(toy) -> None:
    for rows in (values(1000), 100 * values(1000), np.cumsum(values(1000), axis=0)):
        assert (detector(toy, NormalRows(rows)).usual > THRESHOLD).mean() == pytest.approx(0.01)
    assert unit_of(np.zeros(9)) == 1.0


def test_total_is_the_weighted_mean_of_the_parts(toy) -> None:
    weights = {"nearest": 1.0, "amplitude": 3.0}
    found = detector(toy, NormalRows(values()), weights=weights).strangeness(values(rng_seed=1))
    expected = (found.parts["nearest"] + 3 * found.parts["amplitude"]) / 4
    np.testing.assert_allclose(found.total / found.total.max(), expected / expected.max())
    assert list(found.parts) == list(weights)


def test_training_steps_in_the_series_score_as_they_did_alone(toy) -> None:
    rows, after = values(), values(80, rng_seed=1)
    normal = detector(toy, NormalRows(rows[50:], first=50))
    assert NormalRows(rows[50:], first=50).are_in(np.concatenate([rows, after]))
    found = normal.strangeness(np.concatenate([rows, after])).total
    # But for steps whose windows reach out of the rows that are known.
    inside = slice(toy.window, 250 - toy.window)
    np.testing.assert_allclose(found[50:300][inside], normal.usual[inside], rtol=1e-4, atol=1e-4)
    # The same rows elsewhere are another recording, and find themselves.
    moved = normal.strangeness(np.concatenate([after, rows[50:]]))
    assert moved.parts["nearest_shape"][80 + toy.window : -toy.window].max() < normal.usual.min()


def test_a_step_has_one_score_whatever_is_asked(toy) -> None:
    rows = values(500, rng_seed=2)
    normal = detector(toy, NormalRows(values()))
    whole, late = normal.strangeness(rows), normal.strangeness(rows, first=333)
    np.testing.assert_allclose(late.total, whole.total[333:], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(late.shares, whole.shares[333:], rtol=1e-4, atol=1e-5)


def test_order_of_columns_moves_the_shares_along(toy) -> None:
    rows, asked = values(), values(100, rng_seed=1)
    asked[40:44, 1] += 9
    plain = detector(toy, NormalRows(rows)).strangeness(asked)
    moved = detector(toy, NormalRows(rows[:, ::-1])).strangeness(asked[:, ::-1])
    np.testing.assert_allclose(moved.total, plain.total, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(moved.shares, plain.shares[:, ::-1], atol=1e-3)
    np.testing.assert_allclose(plain.shares.sum(axis=1), 1, rtol=1e-6)
    assert plain.shares[42, 1] > 0.7 and 40 <= plain.total.argmax() <= 43


def test_missing_values_and_short_series_have_finite_scores(toy) -> None:
    rows, asked = values(), values(100, rng_seed=1)
    rows[5:20, 0] = asked[30:60] = np.nan
    for normal, series in ((rows, asked), (rows[:3], asked), (rows, asked[:3]), (rows[:1], asked[:1])):
        found = detector(toy, NormalRows(normal)).strangeness(series)
        assert np.isfinite(found.total).all() and found.total.shape == (len(series),)
        np.testing.assert_allclose(found.shares.sum(axis=1), 1, rtol=1e-6)


def test_what_is_absurdly_large_is_strangest_of_all(toy) -> None:
    rows = values()
    rows[200] = 1e30
    for asked, first in ((rows, 0), (rows[150:], 150)):
        found = detector(toy, NormalRows(values(rng_seed=3))).strangeness(asked)
        assert np.isfinite(found.total).all() and found.total.argmax() == 200 - first
        own = detector(toy, NormalRows(asked)).strangeness(asked)
        assert np.isfinite(own.total).all() and own.total.argmax() == 200 - first


def test_the_usual_size_is_the_median_unless_most_rest() -> None:
    assert usual_size(np.array([1.0, 2.0, 9.0])) == 2.0
    assert usual_size(np.array([0.0, 0.0, 9.0])) == pytest.approx(0.9)
    assert usual_size(np.zeros(3)) == 1.0


def test_no_encoder_is_asked_where_no_part_needs_one(toy) -> None:
    without = {name: 1.0 for name, part in PARTS.items() if not part.represents}
    found = Detector(NormalRows(values()), window=toy.window, weights=without).strangeness(values(rng_seed=1))
    assert len(found.parts) == len(PARTS) - 1
