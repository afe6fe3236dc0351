"""The policy finds a known optimum by each update rule, and what the rules are is tested in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from nas.errors import OptionError
from nas.strategies import Plan, Result, Wish
from nas.strategies.policies.choices import SpaceChoices
from nas.strategies.policies.controller import Controller, Group, Said
from nas.strategies.policies.updates import DAPO, GRPO, UPDATES, Reinforce, Update
from nas.strategies.policy import Policy
from search_space.drawing import every_genotype
from search_space.space import default_space, full_space
from tests.nas.strategies.small_problem import SPACE, SmallSource, quality, run, trained

TRIALS = 120
TINY = SPACE.restrict(
    {
        "AugCell1.options": "crop",
        "PairCell.kinds": "instance",
        "EmbedCell.norm": "l2",
        "EncoderCell": {"readout": "max", "normalization": "none", "hidden": 16, "dropout": 0.0},
    }
)
PLAN = Plan(landmarks=TRIALS, rungs=((25, 4), (100, 1)))


def best_found(update: str, rng_seed: int) -> float:
    rounds = run(Policy(SmallSource(rng_seed), PLAN, np.random.default_rng(rng_seed), update=update))
    return max(quality(wish.genotype) for wishes in rounds for wish in wishes)


@pytest.fixture(scope="module")
def qualities() -> np.ndarray:
    return np.sort([quality(genotype) for genotype in every_genotype(SPACE)])[::-1]


@pytest.mark.parametrize("update", UPDATES)
def test_the_best_thousandth_is_found_in_a_fifth_of_the_trials_of_random_search(
    update: str, qualities: np.ndarray
) -> None:
    """Random search needs 693 trials for an even chance of one in the best thousandth."""
    top = qualities[len(qualities) // 1000]
    assert len(qualities) > 10_000
    assert all(best_found(update, rng_seed) >= top for rng_seed in range(3))


@pytest.mark.parametrize("update", UPDATES)
def test_with_the_sign_of_the_gradient_flipped_it_finds_nothing(
    update: str, qualities: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = UPDATES[update]
    loss = rule.loss  # type: ignore[attr-defined]
    monkeypatch.setattr(rule, "loss", lambda self, *told: -loss(self, *told))
    top = qualities[len(qualities) // 1000]
    assert not any(best_found(update, rng_seed) >= top for rng_seed in range(3))


@pytest.mark.parametrize("space", [SPACE, default_space(), full_space()], ids=["small", "default", "full"])
def test_what_the_choices_build_is_in_the_space(space: object) -> None:
    controller = Controller(torch.Generator().manual_seed(0))
    choices = SpaceChoices(space)  # type: ignore[arg-type]
    drawn = [controller.sample(choices).genotype for _ in range(100)]
    assert all(space.holds(genotype) for genotype in drawn)  # type: ignore[attr-defined]
    assert len({genotype.key for genotype in drawn}) > 90
    if space is not SPACE:
        assert {len(genotype.pair.kinds) for genotype in drawn} > {1} and len({g.encoder.n_inner for g in drawn}) > 2


def test_every_genotype_of_a_space_can_be_chosen() -> None:
    controller = Controller(torch.Generator().manual_seed(0))
    drawn = {controller.sample(SpaceChoices(TINY)).genotype.key for _ in range(600)}
    assert drawn == {genotype.key for genotype in every_genotype(TINY)} and len(drawn) > 40


def test_what_the_controller_says_of_a_walk_is_how_often_it_takes_it() -> None:
    class Two:
        def build(self, pick):  # type: ignore[no-untyped-def]
            first = pick("a", ("x", "y", "z"))
            pick("lone", ("only",))
            return (first, pick(f"after {first}", (1, 2)) if first != "z" else 0)

    controller = Controller(torch.Generator().manual_seed(3))
    with torch.no_grad():
        controller.wanted.normal_(generator=torch.Generator().manual_seed(1)).mul_(2.0)
    walks = [controller.sample(Two()) for _ in range(4000)]  # type: ignore[arg-type]
    distinct = {walk.genotype: walk for walk in walks}
    said = controller.says(Group.of([*distinct.values()]))
    told = said.logs.detach().sum(dim=1).exp()
    assert float(told.sum()) == pytest.approx(1.0, abs=1e-5) and len(distinct) == 5
    for chance, genotype in zip(told.tolist(), distinct, strict=True):
        share = np.mean([walk.genotype == genotype for walk in walks])
        assert share == pytest.approx(chance, abs=4 * (chance * (1 - chance) / 4000) ** 0.5)
    untaught = Controller(torch.Generator().manual_seed(0))
    walk = untaught.sample(Two())  # type: ignore[arg-type]
    said = untaught.says(Group.of([walk]))
    assert torch.allclose(said.logs, said.uniform) and torch.allclose(said.entropy, -said.uniform)


def said_of(logs: Tensor) -> Said:
    return Said(logs, torch.ones_like(logs), torch.full_like(logs, -1.0), torch.ones_like(logs, dtype=torch.bool))


@pytest.mark.parametrize(("rule", "high"), [(GRPO(), 1.2), (DAPO(), 1.28)])
def test_ratios_are_clipped_where_the_paper_says(rule: Update, high: float) -> None:
    """Gradients vanish beyond the clip on the side that the advantage pushes to, and only there."""
    for advantage in (1.0, -1.0):
        for ratio in (0.5, 0.79, 0.81, 1.0, 1.19, 1.21, 1.27, 1.29, 2.0):
            logs = torch.tensor([[float(np.log(ratio))]], requires_grad=True)
            loss = rule.loss(
                said_of(logs)._replace(uniform=logs.detach()), torch.zeros(1, 1), torch.tensor([advantage])
            )
            loss.backward()  # type: ignore[no-untyped-call]
            assert logs.grad is not None
            cut = ratio > high if advantage > 0 else ratio < 0.8
            assert float(logs.grad) == pytest.approx(0.0 if cut else -advantage * ratio, abs=1e-6)


def test_grpo_averages_within_genotypes_first_and_is_held_to_the_reference_where_dapo_is_not() -> None:
    logs, there = torch.zeros(2, 4), torch.tensor([[True] * 4, [True, False, False, False]])
    said = said_of(logs)._replace(there=there, uniform=logs)
    advantages = torch.tensor([1.0, -1.0])
    assert float(GRPO().loss(said, logs, advantages)) == pytest.approx(0.0)
    assert float(DAPO().loss(said, logs, advantages)) == pytest.approx(-(4 - 1) / 5)
    away = said._replace(uniform=logs - 1.0)
    divergence = float(np.exp(-1.0) + 1.0 - 1.0)
    assert float(GRPO().loss(away, logs, advantages)) == pytest.approx(0.02 * divergence, rel=1e-5)
    assert float(DAPO().loss(away, logs, advantages)) == float(DAPO().loss(said, logs, advantages))


def test_advantages_are_of_the_group_or_above_a_moving_mean() -> None:
    rewards = torch.tensor([1.0, 2.0, 3.0])
    for rule in (GRPO(), DAPO()):
        said = rule.advantages(rewards)
        assert said is not None and said.tolist() == pytest.approx([-1.2247, 0.0, 1.2247], abs=1e-3)
    assert DAPO().advantages(torch.ones(3)) is None
    reinforce = Reinforce()
    assert reinforce.advantages(rewards).tolist() == pytest.approx([-1.0, 0.0, 1.0])
    assert reinforce.advantages(rewards + 5).tolist() == pytest.approx([4.0, 5.0, 6.0])
    assert reinforce.advantages(rewards).tolist() == pytest.approx([-2.0, -1.0, 0.0])


def test_a_policy_that_has_settled_ends_and_one_that_only_fails_does_too() -> None:
    source = SmallSource()
    source.choices = lambda: SpaceChoices(TINY)  # type: ignore[method-assign]
    spent = run(Policy(source, Plan(landmarks=5000, rungs=((10, 2),)), np.random.default_rng(0)))
    assert sum(map(len, spent)) < TINY.canonical_size()["total"] and {w.iterations for w in spent[-1]} == {10}
    plan = Plan(landmarks=20, rungs=((10, 2),))
    failing = run(Policy(SmallSource(), plan, np.random.default_rng(0)), result=lambda w: Result(w.genotype, 0, ()))
    assert sum(map(len, failing)) == 20


def test_trials_may_be_trained_and_the_failing_count_as_the_worst() -> None:
    seen: list[Wish] = []

    def result(wish: Wish) -> Result:
        seen.append(wish)
        return (
            Result(wish.genotype, wish.iterations, ()) if wish.genotype.encoder.channels == "mixed" else trained(wish)
        )

    source = SmallSource()
    run(Policy(source, PLAN, np.random.default_rng(0), iterations=25, trials=96, update="dapo"), result=result)
    assert {wish.iterations for wish in seen} == {25, 100}
    failed = [wish.genotype.encoder.channels == "mixed" for wish in seen]
    half = len(failed) // 2
    assert half > 15 and np.mean(failed[:8]) > 0.3 and np.mean(failed[half:]) < 0.1


def test_an_unknown_update_is_refused() -> None:
    with pytest.raises(OptionError, match="update: must be one of reinforce, grpo, dapo, got 'ppo'"):
        Policy(SmallSource(), PLAN, np.random.default_rng(0), update="ppo")


def test_a_policy_asks_for_nothing_that_is_not_allowed() -> None:
    source = SmallSource()
    source.limit = lambda genotype: genotype.encoder.readout != "ppv"  # where its optimum lies
    plan = Plan(landmarks=40, rungs=((25, 4), (50, 2), (100, 1)))
    rounds = run(Policy(source, plan, np.random.default_rng(0)))
    asked = [wish.genotype for wishes in rounds for wish in wishes]
    assert len(asked) > 20 and not any(genotype.encoder.readout == "ppv" for genotype in asked)
