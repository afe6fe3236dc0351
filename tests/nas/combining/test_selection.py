"""Which members are selected: few, for a reason, whatever the order of candidates; and an estimate without them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nas.combining.selection import Selection, select

Floats = NDArray[np.floating]
RNG_SEED = 0


def squared(truth: Floats) -> object:
    return lambda said: (said[:, 0] - truth) ** 2


def candidates(n: int, *, noises: dict[str, float], rng_seed: int = 0) -> tuple[Floats, dict[str, Floats]]:
    """The truth and what candidates say of it, each with errors of its own."""
    rng = np.random.default_rng(rng_seed)
    truth = rng.normal(size=n)
    return truth, {name: (truth + noise * rng.normal(size=n))[:, None] for name, noise in noises.items()}


def selected(truth: Floats, said: dict[str, Floats], *, prior: list[str], **how: int) -> Selection:
    rng = np.random.default_rng(RNG_SEED)
    return select(said, squared(truth), prior=prior, rng=rng, **how)  # type: ignore[arg-type]


def test_who_adds_up_better_is_added_and_the_weights_add_up_to_one() -> None:
    truth, said = candidates(400, noises={"a": 1.0, "b": 0.3, "c": 0.3, "bad": 3.0})
    found = selected(truth, said, prior=["a"])
    assert {"b", "c"} <= set(found.weights) and "bad" not in found.weights
    assert sum(found.weights.values()) == pytest.approx(1.0)
    assert list(found.weights.values()) == sorted(found.weights.values(), reverse=True)
    mean = sum(weight * said[name] for name, weight in found.weights.items())
    np.testing.assert_allclose(found.said, mean)
    assert np.mean(squared(truth)(found.said)) < min(np.mean(squared(truth)(one)) for one in said.values())  # type: ignore[operator]


def test_what_few_cases_cannot_tell_apart_is_left_to_the_prior() -> None:
    added = []
    for rng_seed in range(20):
        names = {"prior": 0.5} | {f"other {at}": 0.5 for at in range(60)}
        truth, said = candidates(6, noises=names, rng_seed=rng_seed)
        alike = {name: 0.9 * said["prior"] + 0.1 * one for name, one in said.items()}  # hardly different from it
        added.append(len(selected(truth, alike, prior=["prior"]).weights) - 1)
    assert np.mean(added) < 1.5  # without a margin it would be all four places, each time
    truth, said = candidates(2000, noises={"prior": 0.5, "better": 0.45})
    assert "better" in selected(truth, said, prior=["prior"]).weights  # many cases tell


def test_without_a_step_it_stays_at_the_prior() -> None:
    truth, said = candidates(2000, noises={"prior": 0.5, "other": 0.5, "better": 0.1})
    found = selected(truth, said, prior=["prior", "other"], additions=0)
    assert found.weights == {"prior": 0.5, "other": 0.5}
    np.testing.assert_allclose(found.nested, found.said)


def test_there_are_no_more_members_than_asked_for() -> None:
    truth, said = candidates(500, noises=dict.fromkeys("abcdefgh", 0.5))
    for most in (1, 2, 4):
        assert len(selected(truth, said, prior=["a"], most=most).weights) <= most
    assert set(selected(truth, said, prior=list("abcdef"), most=2).weights) == {"a", "b"}


def test_the_order_of_candidates_and_of_cases_changes_nothing() -> None:
    truth, said = candidates(80, noises=dict.fromkeys("abcde", 0.4))
    said["f"] = said["e"].copy()  # a tie
    found = selected(truth, said, prior=["b"])
    assert selected(truth, dict(reversed(said.items())), prior=["b"]).weights == found.weights
    order = np.random.default_rng(1).permutation(80)
    mixed = selected(truth[order], {name: one[order] for name, one in said.items()}, prior=["b"])
    assert mixed.weights == found.weights


def test_the_nested_estimate_does_not_profit_from_the_selection() -> None:
    """Of pure noise the best looks good on the cases it was selected on, and on no others."""
    gaps = []
    for rng_seed in range(10):
        rng = np.random.default_rng(rng_seed)
        truth = rng.normal(size=30)
        said = {f"{at}": rng.normal(size=(30, 1)) for at in range(80)}
        found = selected(truth, said, prior=["0"])
        losses = squared(truth)
        gaps.append(np.mean(losses(found.nested)) - np.mean(losses(found.said)))  # type: ignore[operator]
    assert np.mean(gaps) > 0.1


def test_a_prior_of_nobody_is_refused() -> None:
    truth, said = candidates(10, noises={"a": 1.0})
    with pytest.raises(ValueError, match="at least one"):
        selected(truth, said, prior=["missing"])
