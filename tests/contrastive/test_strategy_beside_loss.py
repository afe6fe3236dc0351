"""What a strategy adds beside its loss: weighted anchors, an auxiliary loss, and losses that compare nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from contrastive import Strategy
from search_space import registry
from search_space.genotype import Choice, Genotype, LossCell, PairCell
from search_space.presets import preset

NT_XENT = Choice("nt_xent", (("temperature", 0.2),))
SELF_PACED = Choice("self_paced", (("warmup", 3.0),))
VAE = Choice("vae", (("weight", 0.5),))


def genotype(cell: LossCell) -> Genotype:
    pair = PairCell(kinds=("cross_scale", "instance", "neighbor", "temporal"), pool="avg", kernel=3)
    return replace(preset("ts2vec"), loss=cell, pair=pair)


def generator(rng_seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(rng_seed)


def encode(x: Tensor, *, weight: Tensor | float = 1.0) -> Tensor:
    """Five weighted Fourier features of every value: a stream per variate, shape (B, V, T, 5)."""
    return torch.sin(x.nan_to_num().transpose(1, 2).unsqueeze(-1) * torch.arange(1.0, 6.0)) * weight


def windows() -> Tensor:
    x = torch.randn(6, 20, 2, generator=generator(4))
    x[0, 12:] = torch.nan
    return x


def losses_of(cell: LossCell, *, calls: int) -> list[float]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        strategy = Strategy(genotype(cell), features=5, width=1)
    return [strategy.loss(windows(), encode, generator=generator()).item() for _ in range(calls)]


def test_the_pace_grows_with_the_calls() -> None:
    plain = losses_of(LossCell(NT_XENT, "cosine"), calls=2)
    paced = losses_of(LossCell(NT_XENT, "cosine", weighting=SELF_PACED), calls=5)
    assert plain[0] == plain[1]
    # easy anchors have small losses: the weighted mean rises until all count alike
    assert paced[0] < paced[1] < paced[2] < paced[3]
    assert paced[3:] == pytest.approx([plain[0]] * 2, rel=1e-5)


def test_hard_anchors_count_more() -> None:
    hard = losses_of(LossCell(NT_XENT, "cosine", weighting=Choice("hard", (("tilt", 1.0),))), calls=2)
    assert hard[0] == hard[1] > losses_of(LossCell(NT_XENT, "cosine"), calls=1)[0]


@pytest.mark.parametrize("name", sorted(registry.options("auxiliary")))
def test_an_auxiliary_loss_is_added_and_leaves_the_rest_alone(name: str) -> None:
    plain = Strategy(genotype(LossCell(NT_XENT, "cosine")), features=5, width=1)
    beside = Choice(name, (("weight", 0.5),))
    strategy = Strategy(genotype(LossCell(NT_XENT, "cosine", auxiliary=beside)), features=5, width=1)
    chance, same_chance = generator(), generator()
    contrastive = plain.loss(windows(), encode, generator=chance)
    both = strategy.loss(windows(), encode, generator=same_chance)
    assert strategy.auxiliary is not None
    alone = strategy.auxiliary(windows(), encode, generator=chance)
    torch.testing.assert_close(both, contrastive + alone)
    assert alone > 0 and torch.equal(chance.get_state(), same_chance.get_state())


@pytest.mark.parametrize("name", sorted(registry.options("auxiliary")))
def test_an_auxiliary_loss_alone_is_the_whole_loss_and_draws_no_views(name: str) -> None:
    cell = LossCell(Choice("none"), "dot", weighting=SELF_PACED, auxiliary=Choice(name, (("weight", 0.5),)))
    assert (cell.similarity, cell.weighting, cell.is_valid) == ("none", None, True)
    strategy = Strategy(genotype(cell), features=5, width=1)
    chance, same_chance = generator(), generator()
    whole = strategy.loss(windows(), encode, generator=chance)
    assert strategy.auxiliary is not None and strategy.iteration == 1
    assert torch.equal(whole, strategy.auxiliary(windows(), encode, generator=same_chance))
    assert torch.equal(chance.get_state(), same_chance.get_state())


@pytest.mark.parametrize("name", sorted(registry.options("auxiliary")))
def test_an_auxiliary_loss_with_own_steps_is_not_added_but_due_before_some_calls(name: str) -> None:
    plain = Strategy(genotype(LossCell(NT_XENT, "cosine")), features=5, width=1)
    beside = Choice(name, (("own_steps", 0.5), ("weight", 0.5)))
    strategy = Strategy(genotype(LossCell(NT_XENT, "cosine", auxiliary=beside)), features=5, width=1)
    assert strategy.auxiliary is not None and plain.own_loss(windows(), encode, generator=generator()) is None
    alone = strategy.auxiliary(windows(), encode, generator=generator())
    for due in (False, True, False, True):
        own = strategy.own_loss(windows(), encode, generator=generator())
        assert own is None if not due else torch.equal(own, alone)  # type: ignore[arg-type]
        contrastive = strategy.loss(windows(), encode, generator=generator())
        assert torch.equal(contrastive, plain.loss(windows(), encode, generator=generator()))


def test_decoders_are_trained_with_the_encoder() -> None:
    strategy = Strategy(genotype(LossCell(NT_XENT, "cosine", auxiliary=VAE)), features=5, width=1)
    weights = list(strategy.parameters())
    strategy.loss(windows(), encode, generator=generator()).backward()
    assert weights and all(weight.grad is not None and weight.grad.any() for weight in weights)


@pytest.mark.parametrize("name", sorted(registry.options("loss")))
@pytest.mark.parametrize("kernel", [0, 3])
def test_every_loss_works_with_everything_beside_it(name: str, kernel: int) -> None:
    parameters = tuple((key, values[0]) for key, values in registry.get("loss", name).choices.items())
    cell = LossCell(Choice(name, parameters), "cosine", weighting=SELF_PACED, auxiliary=VAE)
    weight = torch.ones(5, requires_grad=True)
    whole = genotype(cell)
    kinds = whole.pair.kinds if kernel else ("instance", "temporal")
    strategy = Strategy(replace(whole, pair=PairCell(kinds, "max", kernel)), features=5, width=1)
    loss = strategy.loss(windows(), lambda x: encode(x, weight=weight), generator=generator())
    loss.backward()
    assert torch.isfinite(loss) and weight.grad is not None and torch.isfinite(weight.grad).all() and weight.grad.any()
