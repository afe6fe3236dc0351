"""Landmark vectors compare the fixed probes with each other, whatever the unit of their scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ahc.landmarks import PROBES, landmark_vector, probes
from downstream.kinds import KINDS
from search_space.genotype import Genotype
from search_space.presets import preset

KIND = "classification"
SCORES = st.lists(st.one_of(st.none(), st.integers(-1000, 1000).map(float)), min_size=len(PROBES), max_size=len(PROBES))


def told(scores: list[float | None], kind: str = KIND) -> dict[str, float]:
    keys = (genotype.untrained_key for genotype in probes(kind))
    return {key: score for key, score in zip(keys, scores, strict=True) if score is not None}


@settings(deadline=None)
@given(SCORES, st.integers(-8, 8), st.integers(-1000, 1000))
def test_neither_unit_nor_offset_of_the_scores_matters(scores: list[float | None], power: int, offset: int) -> None:
    vector = landmark_vector(told(scores), kind=KIND)
    known = np.array([score is not None for score in scores])
    assert vector.dtype == np.float32 and np.abs(vector).max() <= 3.0
    assert not vector[~known].any()
    assert known.sum() >= 4 or not vector.any()
    moved = [None if score is None else 2.0**power * score + offset for score in scores]
    if len(set(moved) - {None}) > 1:  # without a spread there is no unit
        np.testing.assert_allclose(landmark_vector(told(moved), kind=KIND), vector, atol=1e-5)
    # in order of the scores
    ranked = sorted((score, value) for score, value in zip(scores, vector, strict=True) if score is not None)
    assert np.all(np.diff([value for _, value in ranked]) >= 0)


def test_values_are_robust_deviations_from_the_median() -> None:
    scores = [1.0, 2.0, 3.0, 4.0, 1000.0, *[None] * 7]
    # quartiles 2 and 4, and whoever is far off counts as 3
    unit = 2 * 0.7413
    expected = [-2 / unit, -1 / unit, 0.0, 1 / unit, 3.0, *[0.0] * 7]
    np.testing.assert_allclose(landmark_vector(told(scores), kind=KIND), expected, rtol=1e-6)


def test_what_is_not_finite_is_not_known_and_three_are_too_few() -> None:
    four = told([1.0, 2.0, 3.0, 4.0, *[None] * 8])
    assert landmark_vector(four, kind=KIND)[:4].any()
    for odd in (float("nan"), float("inf")):
        assert not landmark_vector({**four, probes(KIND)[3].untrained_key: odd}, kind=KIND).any()
    assert not landmark_vector({"of another encoder": 1.0}, kind=KIND).any()


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_a_place_for_each_probe_in_the_order_of_their_names(kind: str) -> None:
    fixed = probes(kind)
    assert [genotype.key for genotype in fixed] == [preset(name, kind=kind).key for name in PROBES]
    assert len({genotype.untrained_key for genotype in fixed}) == len(PROBES) == 12
    for at, genotype in enumerate(fixed):
        assert Genotype.from_dict(genotype.to_dict()) == genotype  # the door refuses what is not legal
        others = [0.0, 0.1] * 6
        others[at] = 9.0
        assert int(landmark_vector(told(others, kind), kind=kind).argmax()) == at
