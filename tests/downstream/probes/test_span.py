"""What probes see of features: the same in fewer dimensions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from compute.memory import memory_budget
from downstream.probes.linear import RidgeClassifier, Standardizer
from downstream.probes.span import Span
from downstream.probes.spans import Spans
from downstream.probes.svm import fit_svm

Floats = NDArray[np.floating]


def cases(n: int, d: int, *, rng_seed: int = 0) -> Floats:
    """Features of very different size, the first one constant."""
    x = np.random.default_rng(rng_seed).normal(size=(n, d)) * np.logspace(-3, 3, d) + np.linspace(-5, 5, d)
    x[:, 0] = 7.0
    return x.astype(np.float32)


@pytest.mark.parametrize("d", [3, 30, 500])
def test_products_and_distances_are_those_of_the_standardised_features(d: int) -> None:
    x, new = cases(30, d), cases(11, d, rng_seed=1)
    wanted, also = Standardizer.fit(x)(x), Standardizer.fit(x)(new)
    span = Span.of(x)
    assert span.x.shape[1] <= min(30, d)
    np.testing.assert_allclose(span.x @ span.x.T, wanted @ wanted.T, atol=1e-7 * d)
    np.testing.assert_allclose(span(new) @ span.x.T, also @ wanted.T, atol=1e-7 * d)
    padded, far = span.padded, span.with_distance(new)
    distances = ((also[:, None] - wanted[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(((far[:, None] - padded[None]) ** 2).sum(axis=2), distances, rtol=1e-6)


def test_weights_of_dimensions_are_weights_of_features() -> None:
    x, new = cases(20, 90), cases(5, 90, rng_seed=1)
    span = Span.of(x)
    weights = np.random.default_rng(0).normal(size=(span.x.shape[1], 4))
    np.testing.assert_allclose(span(new) @ weights, span.standardize(new) @ span.weights(weights), atol=1e-8)


def test_probes_answer_as_on_the_features_themselves() -> None:
    x, new = cases(60, 400), cases(40, 400, rng_seed=1)
    labels = (x[:, 100] > np.median(x[:, 100])).astype(np.int64) + (x[:, 300] > 1.0)
    span, standardize = Span.of(x), Standardizer.fit(x)
    ridge, plain = RidgeClassifier.fit(span.x, labels), RidgeClassifier.fit(standardize(x), labels)
    assert ridge.ridge.alpha == plain.ridge.alpha
    np.testing.assert_allclose(ridge.decision(span(new)), plain.decision(standardize(new)), atol=1e-7)
    machine, unreduced = fit_svm(span.padded, labels), fit_svm(standardize(x), labels)
    assert machine.C == unreduced.C
    np.testing.assert_allclose(
        machine.decision_function(span.with_distance(new)), unreduced.decision_function(standardize(new)), atol=1e-3
    )


def test_neither_a_memory_budget_nor_the_order_of_features_changes_anything() -> None:
    x = cases(12, 300)
    products = Span.of(x).x @ Span.of(x).x.T
    with memory_budget(64 << 20):
        np.testing.assert_allclose(Span.of(x).x @ Span.of(x).x.T, products, atol=1e-6)
    mixed = Span.of(x[:, ::-1])
    np.testing.assert_allclose(mixed.x @ mixed.x.T, products, atol=1e-6)


def test_equal_cases_span_nothing() -> None:
    span = Span.of(np.ones((5, 9), dtype=np.float32))
    np.testing.assert_array_equal(span.x @ span.x.T, np.zeros((5, 5)))
    assert np.isfinite(span.with_distance(np.zeros((2, 9)))).all()


def test_encoders_side_by_side_count_by_their_weights_whatever_the_number_of_their_features() -> None:
    x, new = cases(25, 210), cases(7, 210, rng_seed=1)
    members = np.repeat([0, 1], [200, 10])
    spans = Spans.of(x, members=members, weights=(3.0, 1.0))
    found = spans.side_by_side(spans(new))[:, None] - spans.side_by_side(spans.rows)[None]
    wanted, standardize = 0.0, Standardizer.fit(x)
    for number, weight in ((0, 0.75), (1, 0.25)):
        own = members == number
        gaps = standardize(new)[:, None, own] - standardize(x)[None, :, own]
        wanted = wanted + 210 * weight * (gaps**2).mean(axis=2)
    np.testing.assert_allclose((found**2).sum(axis=2), wanted, rtol=1e-6)


def test_one_encoder_is_its_span() -> None:
    x, new = cases(9, 40), cases(4, 40, rng_seed=1)
    spans = Spans.of(x)
    np.testing.assert_array_equal(spans.side_by_side(spans.rows), Span.of(x).padded)
    np.testing.assert_array_equal(spans.side_by_side(spans(new)), Span.of(x).with_distance(new))
