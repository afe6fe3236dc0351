"""The posterior against its closed form, and what evidence must do to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ahc.posterior import SHARES, Constants, posterior
from nas.strategies import Result
from nas.strategies.belief import believe
from search_space.presets import preset

MODEL = Constants(1.0, (0.1, 0.2, -0.1), (0.3, 0.2, 0.4), 0.6, 0.5)
CURVE = tuple(zip(SHARES, (1.5, 1.4, 2.0), strict=False))


def mean_of(curve: tuple[tuple[float, float], ...], *, noise: float, prior: float = 0.0) -> float:
    return float(posterior([curve], noise=np.array([noise]), prior=np.array([prior]), constants=MODEL).mean[0])


def test_it_is_the_conditional_of_the_joint_gaussian() -> None:
    """The joint covariance written out, over quality at all shares and the scores."""
    steps = np.tril(np.ones((4, 4))) @ np.diag([1.0, 0.3, 0.2, 0.4]) ** 2 @ np.tril(np.ones((4, 4))).T
    expected = 0.5 * 0.7 + np.cumsum([0.0, 0.1, 0.2, -0.1])
    error = 0.25 * (0.4 * np.eye(3) + 0.6)
    gain = steps[:, :3] @ np.linalg.inv(steps[:3, :3] + error)
    means = expected + gain @ (np.array([1.5, 1.4, 2.0]) - expected[:3])
    variance = (steps - gain @ steps[:3])[3, 3]
    belief = posterior([CURVE], noise=np.array([0.5]), prior=np.array([0.7]), constants=MODEL)
    assert_allclose([*belief.points[0], belief.mean[0]], means, rtol=1e-6)
    assert_allclose(belief.sd[0], np.sqrt(variance), rtol=1e-6)


def test_with_infinite_noise_the_prior_decides_and_with_none_the_data() -> None:
    gains = float(np.sum(MODEL.gains))
    assert mean_of(CURVE, noise=np.inf, prior=2.0) == pytest.approx(1.0 + gains)
    assert mean_of(CURVE, noise=1e6, prior=2.0) == pytest.approx(1.0 + gains, abs=1e-4)
    whole = (*CURVE, (1.0, 3.0))
    assert mean_of(whole, noise=0.0, prior=2.0) == pytest.approx(3.0, abs=1e-6)
    assert mean_of((), noise=0.0, prior=2.0) == pytest.approx(1.0 + gains)


def test_more_cases_move_it_more_and_so_do_more_points() -> None:
    prior = mean_of((), noise=1.0)
    few, many = (mean_of(((0.0, 2.0),), noise=2.0 * cases**-0.5) for cases in (20, 1000))
    assert prior < few < many
    constant = tuple((share, 2.0) for share in SHARES[:3])
    assert mean_of(constant[:1], noise=1.0) < mean_of(constant, noise=1.0)


@settings(max_examples=30, deadline=None)
@given(
    curves=st.lists(
        st.lists(st.tuples(st.sampled_from((0.0, 0.1, 0.25, 0.5, 1.0)), st.floats(-4, 4)), max_size=4), min_size=1
    ),
    order=st.randoms(use_true_random=False),
)
def test_candidates_do_not_change_each_other_and_evidence_never_spreads_belief(
    curves: list[list[tuple[float, float]]], order: object
) -> None:
    numbers = np.arange(len(curves))
    noise, prior = 0.2 + 0.1 * (numbers % 3), 0.3 * (numbers % 4)
    together = posterior(curves, noise=noise, prior=prior, constants=MODEL)
    shuffled = numbers.tolist()
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    other = posterior([curves[at] for at in shuffled], noise=noise[shuffled], prior=prior[shuffled], constants=MODEL)
    assert_allclose(other.mean, together.mean[shuffled], atol=1e-8)
    assert_allclose(other.sd, together.sd[shuffled], atol=1e-8)
    nothing = posterior([()], noise=np.ones(1), prior=np.zeros(1), constants=MODEL).sd[0]
    assert (together.sd <= nothing + 1e-9).all()


def test_scores_of_any_unit_and_level_say_the_same() -> None:
    genotype = preset("ts2vec")
    curves = [((0, 0.5), (25, 0.6)), ((0, 0.4),), ((0, 0.7), (25, 0.5))]
    here, there = (
        believe(
            [
                Result(genotype, 25, tuple((at, level + unit * score) for at, score in curve), noise=0.01 * unit)
                for curve in curves
            ],
            prior=[0.0, 1.0, 0.0],
            iterations=100,
        )
        for level, unit in ((0.0, 1.0), (-30.0, 8.0))
    )
    assert_allclose(here.mean, there.mean, rtol=1e-9)
    alike = [Result(genotype, 0, ((0, 0.5),)) for _ in range(3)]  # no spread to measure by
    assert np.isfinite(believe(alike, prior=[0.0] * 3, iterations=100).mean).all()
