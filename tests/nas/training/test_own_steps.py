"""An auxiliary loss that takes steps of its own: as a loop by hand, and as nothing where it has no gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from contrastive.auxiliaries._base import Auxiliary, Encode
from downstream.windows import Windows
from nas.training.batches import BatchSource
from nas.training.descent import GRADIENT_NORM_LIMIT
from nas.training.loop import Trainer
from nas.training.model import ContrastiveModel
from search_space.genotype import Choice, Genotype
from search_space.presets import preset

STEPS, RATE, WEIGHT = 7, 1e-3, 0.5


def genotype(auxiliary: Choice | None, *, averaging: bool = False) -> Genotype:
    ts2vec = preset("ts2vec")
    return replace(
        ts2vec,
        encoder=replace(ts2vec.encoder, blocks=2, hidden=8, output=6, dropout=0.0),
        loss=replace(ts2vec.loss, auxiliary=auxiliary),
        train=replace(ts2vec.train, weight_averaging=averaging, learning_rate=RATE, batch_size=8),
    )


def own(name: str, steps: float) -> Choice:
    return Choice(name, (("own_steps", steps), ("weight", WEIGHT)))


def trainer_of(candidate: Genotype) -> Trainer:
    values = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32).cumsum(axis=0)
    windows = Windows(values, starts=np.arange(0, 160, 5), length=24)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ContrastiveModel(candidate, variates=2)
    batches = BatchSource(windows, batch_size=8, independent=False, device=torch.device("cpu"))
    return Trainer(model, batches=batches, generator=torch.Generator().manual_seed(5))


def weights(model: torch.nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


def equal(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(first, second) for first, second in zip(one, other, strict=True))


@pytest.mark.parametrize("averaging", [False, True])
def test_without_a_gradient_it_is_the_plain_training(averaging: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(self: Auxiliary, x: Tensor, encode: Encode, *, generator: torch.Generator) -> Tensor:
        del self, generator
        return 0.0 * encode(x).sum()

    monkeypatch.setattr("contrastive.auxiliaries.autoencoder.Autoencoder._loss", nothing)
    plain = trainer_of(genotype(None, averaging=averaging))
    taking_turns = trainer_of(genotype(own("autoencoder", 1.0), averaging=averaging))
    assert [plain.step() for _ in range(STEPS)] == [taking_turns.step() for _ in range(STEPS)]
    assert equal(weights(plain.encoder), weights(taking_turns.encoder))


@pytest.mark.parametrize("name", ["vae", "masked_reconstruction"])
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_steps_are_those_of_a_loop_with_two_optimisers(name: str, share: float) -> None:
    trainer, by_hand = trainer_of(genotype(own(name, share))), trainer_of(genotype(own(name, share)))
    model, batches, chance = by_hand.model, by_hand._batches, by_hand._generator
    auxiliary = model.strategy.auxiliary
    assert auxiliary is not None and not [*model.strategy.embedding.parameters()]
    reconstructing = [*model.encoder.parameters(), *auxiliary.parameters()]
    main = torch.optim.AdamW(model.encoder.parameters(), lr=RATE)
    second = torch.optim.Adam(reconstructing, lr=WEIGHT * RATE)
    for at in range(STEPS):
        x = batches.draw(chance)
        if share == 1.0 or at % 2:
            second.zero_grad()
            auxiliary(x, model.encoder, generator=chance).backward()
            torch.nn.utils.clip_grad_norm_(reconstructing, GRADIENT_NORM_LIMIT)
            second.step()
        main.zero_grad()
        model.strategy.loss(x, model.encoder, generator=chance).backward()
        torch.nn.utils.clip_grad_norm_(model.encoder.parameters(), GRADIENT_NORM_LIMIT)
        main.step()
        trainer.step()
    for one, other in zip(weights(trainer.model), weights(model), strict=True):
        torch.testing.assert_close(one, other)


def test_an_added_loss_and_steps_of_its_own_go_elsewhere() -> None:
    trainers = [trainer_of(genotype(own("autoencoder", share))) for share in (0.0, 1.0)]
    losses = [[trainer.step() for _ in range(2)] for trainer in trainers]
    assert losses[0][0] > losses[1][0]  # what is said of a step is the contrastive loss, where nothing is added
    assert not equal(weights(trainers[0].encoder), weights(trainers[1].encoder))


def test_a_reconstruction_alone_learns_and_contrasts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contrastive.strategy.Strategy.views", None)
    pretext = preset("patchtst_pretext")
    cell = replace(pretext.encoder, blocks=1, hidden=16, output=16, dropout=0.0)
    train = replace(pretext.train, learning_rate=1e-2, batch_size=8)
    trainer = trainer_of(replace(pretext, encoder=cell, train=train))
    losses = [trainer.step() for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
