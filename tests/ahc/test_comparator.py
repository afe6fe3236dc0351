"""What a comparator makes of its members' words, and of what is known of a task."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from ahc.comparator import Comparator, ComparatorSettings, TaskView
from ahc.graphs.encoding import encode_genotypes
from ahc.graphs.graph import GraphBatch
from ahc.graphs.vocabulary import Vocabulary
from search_space.genotype import Genotype

EMBEDDING = np.linspace(-1, 1, 5).astype(np.float32)
LANDMARKS = np.linspace(3, -3, ComparatorSettings(task_features=5).landmarks).astype(np.float32)
UNKNOWN = TaskView(EMBEDDING)
KNOWN = TaskView(EMBEDDING, LANDMARKS)


@pytest.fixture
def comparator(opinionated: Comparator) -> Comparator:
    return copy.deepcopy(opinionated)


@pytest.fixture
def batch(opinionated: Comparator, candidates: list[Genotype]) -> GraphBatch:
    return encode_genotypes(candidates[:30], vocabulary=opinionated.vocabulary)


def alone(comparator: Comparator, number: int) -> Comparator:
    """Return a comparator all of whose members are this one."""
    copied = copy.deepcopy(comparator)
    for member in copied.members:
        member.load_state_dict(comparator.members[number].state_dict())
    return copied


@pytest.mark.parametrize("task", [UNKNOWN, KNOWN])
def test_members_are_averaged_and_spread_is_their_disagreement_with_the_residual(
    comparator: Comparator, batch: GraphBatch, task: TaskView
) -> None:
    said = comparator.predict(batch, task=task)
    first, second = (alone(comparator, number).predict(batch, task=task) for number in (0, 1))
    for ours, one, other in zip(said[:-1], first, second, strict=False):
        torch.testing.assert_close(ours, (one + other) / 2)
    residual = comparator.residual[int(task.landmarks is not None)]
    torch.testing.assert_close(first.spread, residual.expand(30))  # members that agree leave only that
    torch.testing.assert_close(said.spread, torch.hypot((first.score - second.score) / 2, residual))
    assert (said.spread > residual + 1e-4).float().mean() > 0.9
    torch.testing.assert_close(said.score, said.untrained + said.gain)


def test_gates_say_how_far_a_task_is_heard(comparator: Comparator, batch: GraphBatch) -> None:
    blind = comparator.predict(batch, task=replace(UNKNOWN, blind=True)).score
    for task, at in ((UNKNOWN, 0), (KNOWN, 1)):
        moved = []
        for gate in (0.0, 0.5, 1.0):
            comparator.gates.copy_(torch.full((2,), 7.0))  # that of the other case plays no part
            comparator.gates[at] = gate
            moved.append(comparator.predict(batch, task=task).score - blind)
        assert torch.equal(moved[0], torch.zeros(30))
        torch.testing.assert_close(moved[1], moved[2] / 2, rtol=1e-3, atol=1e-5)
        assert float(moved[2].std()) > 1e-3


def test_landmarks_that_say_nothing_are_like_none(comparator: Comparator, batch: GraphBatch) -> None:
    comparator.gates.fill_(1.0)
    nothing = comparator.predict(batch, task=TaskView(EMBEDDING, np.zeros_like(LANDMARKS)))
    assert torch.equal(nothing.score, comparator.predict(batch, task=UNKNOWN).score)


def test_failure_and_seconds_are_the_candidates_own(comparator: Comparator, batch: GraphBatch) -> None:
    one, other = comparator.predict(batch, task=KNOWN), comparator.predict(batch, task=TaskView(-EMBEDDING))
    assert torch.equal(one.failure, other.failure) and torch.equal(one.seconds, other.seconds)
    assert 0 < float(one.failure.min()) < float(one.failure.max()) < 1


def test_p_first_better_is_antisymmetric_and_transitive(comparator: Comparator, candidates: list[Genotype]) -> None:
    first, second, third = (
        encode_genotypes(candidates[start : start + 10], vocabulary=comparator.vocabulary) for start in (0, 10, 20)
    )

    def odds(a: GraphBatch, b: GraphBatch, task: TaskView = KNOWN) -> torch.Tensor:
        return torch.logit(comparator.p_first_better(a, b, task=task))

    torch.testing.assert_close(odds(first, second), -odds(second, first), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(odds(first, third), odds(first, second) + odds(second, third), rtol=1e-3, atol=1e-4)
    assert float((odds(first, second) - odds(first, second, UNKNOWN)).abs().max()) > 1e-3
    before = odds(first, second)
    comparator.sharpness.mul_(0.5)
    torch.testing.assert_close(odds(first, second), 0.5 * before, rtol=1e-3, atol=1e-4)


def test_an_unusual_task_is_treated_like_the_most_extreme_known_one(comparator: Comparator) -> None:
    axes = comparator.coordinates(torch.tensor([[1e6, 0, 0, 0, 0], [0.1, 0, 0, 0, 0]]))
    torch.testing.assert_close(axes[0], 3 * torch.sign(comparator.task_basis[0]))
    torch.testing.assert_close(axes[1], 0.1 * comparator.task_basis[0])


def test_a_comparator_is_small_and_leaves_global_randomness_alone(vocabulary: Vocabulary) -> None:
    before = torch.random.get_rng_state()
    assert Comparator(vocabulary, settings=ComparatorSettings(task_features=150)).n_parameters < 300_000
    assert torch.equal(torch.random.get_rng_state(), before)


def test_refuses(comparator: Comparator, batch: GraphBatch) -> None:
    with pytest.raises(ValueError, match=r"task embeddings must be \(tasks, 5\), got \(1, 6\)"):
        comparator.predict(batch, task=TaskView(np.zeros(6, dtype=np.float32)))
    with pytest.raises(ValueError, match=r"a landmark vector must be \(12,\), got \(11,\)"):
        comparator.predict(batch, task=TaskView(EMBEDDING, LANDMARKS[:-1]))
