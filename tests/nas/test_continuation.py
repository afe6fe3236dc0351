"""Trials that go on: several calls give what one gives, to the bit, and a state that is damaged is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream.data import load_task
from downstream.task import Task
from nas.net import Trial, train_candidate
from nas.training import closed_form
from nas.trial_state import TrialStateError
from search_space import registry
from search_space.genotype import Choice, Genotype
from search_space.presets import preset

TS2VEC = preset("ts2vec", kind="classification")


def small(genotype: Genotype, **encoder: Any) -> Genotype:
    return replace(genotype, encoder=replace(genotype.encoder, **encoder))


def with_auxiliary(genotype: Genotype, *, own_steps: float = 0.0, **train: Any) -> Genotype:
    loss = replace(
        genotype.loss,
        auxiliary=Choice("masked_reconstruction", (("own_steps", own_steps), ("weight", 0.5))),
        weighting=Choice("self_paced", (("warmup", 50.0),)),
    )
    return replace(genotype, loss=loss, train=replace(genotype.train, **train))


PLAIN = small(TS2VEC, blocks=2, hidden=8, output=6)


def weighted(name: str) -> Genotype:
    parameters = tuple((key, values[0]) for key, values in registry.get("weighting", name).choices.items())
    return replace(PLAIN, loss=replace(PLAIN.loss, weighting=Choice(name, parameters)))


GENOTYPES = {
    "ts2vec": PLAIN,
    "with dropout and batch normalisation": small(PLAIN, dropout=0.3, normalization="last"),
    "without weight averaging": replace(PLAIN, train=replace(PLAIN.train, weight_averaging=False)),
    "auxiliary loss with weights": with_auxiliary(small(PLAIN, dropout=0.1), weight_averaging=True),
    **{name: weighted(name) for name in ("double_ensemble", "meta_weight_net", "mentor_net", "routed")},
    "auxiliary loss with every other step its own": with_auxiliary(small(PLAIN, dropout=0.1), own_steps=0.5),
    "auxiliary loss alone": small(preset("patchtst_pretext", kind="classification"), blocks=1, hidden=8, output=8),
    "rocket_contrastive": preset("rocket_contrastive"),
    "hydra_spectral": preset("hydra_spectral"),
}


@cache
def task() -> Task:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 12)
    values = np.sin(np.arange(30) / np.where(labels == 0, 3.0, 5.0)[:, None]) + 0.3 * rng.normal(size=(24, 30))
    return load_task((values[:, None, :], labels), kind="classification", name="two tones")


def in_calls(genotype: Genotype, ends: list[int], **how: Any) -> Trial:
    """Train up to each of these iterations, going on from the one before."""
    state = None
    for iterations in ends:
        torch.manual_seed(iterations)  # what others drew in between does not matter
        trial = train_candidate(
            genotype, task(), iterations=iterations, rng_seed=3, state=state, keep_state=True, **how
        )
        state = trial.state
    return trial


def facts(trial: Trial) -> dict[str, Any]:
    """Return all that is said of a trial, but what it took."""
    left = ("weights", "seconds", "state", "held_out")
    return {name: value for name, value in vars(trial).items() if name not in left}


def assert_same(one: Trial, other: Trial) -> None:
    assert facts(one) == facts(other) and one.weights.keys() == other.weights.keys()
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())
    assert np.array_equal(one.held_out, other.held_out)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", GENOTYPES)
def test_calls_that_go_on_from_each_other_equal_one_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "MOST_ROWS", 150)  # of differences, a batch brings some twenty
    at = (0, 2, 4, 8)
    whole = in_calls(GENOTYPES[name], [8], probe_at=at)
    assert [point.iteration for point in whole.curve] == [*at] and not whole.final
    assert len({point.loss for point in whole.curve}) > 1 and whole.score is not None
    assert_same(in_calls(GENOTYPES[name], [*at], probe_at=at), whole)
    assert_same(in_calls(GENOTYPES[name], [2, 8], probe_at=at), whole)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True).map(sorted), st.sampled_from(sorted(GENOTYPES)))
def test_wherever_a_trial_is_cut(ends: list[int], name: str) -> None:
    assert_same(in_calls(GENOTYPES[name], ends, probe_at=ends), in_calls(GENOTYPES[name], ends[-1:], probe_at=ends))


def test_a_trial_says_what_it_costs_from_scratch() -> None:
    first = train_candidate(PLAIN, task(), iterations=2, keep_state=True)
    second = train_candidate(PLAIN, task(), iterations=3, state=first.state)
    assert second.seconds > first.seconds and second.state is None  # nobody asked for it


def test_points_beyond_the_end_are_left_out_and_both_ends_are_probed() -> None:
    trial = train_candidate(PLAIN, task(), iterations=3, probe_at=(1, 25, 50))
    assert [point.iteration for point in trial.curve] == [0, 1, 3]


def test_there_is_no_going_on_where_nothing_would_change(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = small(preset("minirocket"), hidden=84)
    bank = in_calls(frozen, [0])
    assert bank.final and bank.state is None and [point.iteration for point in bank.curve] == [0]
    monkeypatch.setattr(closed_form, "MOST_ROWS", 30)
    at = (0, 1, 4)  # each probe draws a rotation of the embedding
    short, enough, longer = (in_calls(GENOTYPES["hydra_spectral"], [end], probe_at=at) for end in (1, 4, 9))
    assert (short.final, short.state is None) == (False, False) and (enough.final, enough.state) == (True, None)
    assert all(torch.equal(value, longer.weights[name]) for name, value in enough.weights.items())
    diverged = replace(PLAIN, train=replace(PLAIN.train, learning_rate=1e30))
    assert in_calls(diverged, [8]).state is None


@cache
def kept() -> bytes:
    state = train_candidate(PLAIN, task(), iterations=1, keep_state=True).state
    assert state is not None
    return state


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_state_is_an_error_of_one_sentence(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(kept()) - 1))
    flipped = bytes([kept()[at] ^ data.draw(st.integers(1, 255))])
    cut, changed = kept()[:at], kept()[:at] + flipped + kept()[at + 1 :]
    for damaged in (cut, changed):
        with pytest.raises(TrialStateError, match=r"^the state (of the trial )?is [^\n]+$"):
            train_candidate(PLAIN, task(), iterations=2, state=damaged)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rng_seed": 4}, r"of another trial \(rng_seed differ\)"),
        ({"precision": "bfloat16", "max_steps": 9}, r"of another trial \(max_steps, precision differ\)"),
        ({"genotype": GENOTYPES["without weight averaging"]}, r"of another trial \(genotype differ\)"),
        ({"iterations": 1}, "is of 1 iterations, and 1 were asked for"),
    ],
)
def test_a_state_of_something_else_is_refused(changes: dict[str, Any], sentence: str) -> None:
    arguments = {"genotype": PLAIN, "iterations": 2, **changes}
    with pytest.raises(TrialStateError, match=sentence):
        train_candidate(arguments.pop("genotype"), task(), state=kept(), **arguments)
