"""The encoder with the strategy that teaches it: widths, and whose weights are whose."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nas.training.model import ContrastiveModel
from search_space import registry
from search_space.genotype import Choice
from search_space.presets import preset


@pytest.mark.parametrize("name", sorted(registry.options("auxiliary")))
@pytest.mark.parametrize("channels", ["independent", "mixed"])
@pytest.mark.parametrize("normalization", ["none", "instance"])
def test_decoders_fit_the_streams_of_the_encoder(name: str, channels: str, normalization: str) -> None:
    torch.manual_seed(0)
    plain = preset("simclr")
    genotype = replace(
        plain,
        encoder=replace(plain.encoder, channels=channels, normalization=normalization, hidden=8, output=8),
        loss=replace(plain.loss, auxiliary=Choice(name, (("weight", 0.5),))),
    )
    model = ContrastiveModel(genotype, variates=3).train()
    x = torch.randn(4, 24, 3)
    x[0, 15:] = torch.nan
    x[1, :, 2] = torch.nan
    loss = model.loss(x, generator=torch.Generator().manual_seed(0))
    loss.backward()
    assert torch.isfinite(loss)
    assert all(weight.grad is not None and torch.isfinite(weight.grad).all() for weight in model.parameters())
    # what is saved and counted is the encoder alone
    assert len(list(model.parameters())) > len(list(model.encoder.parameters()))
    assert model.n_parameters == sum(weight.numel() for weight in model.encoder.parameters())
    assert not any("auxiliary" in key for key in model.encoder.state_dict())


def test_an_auxiliary_loss_leaves_the_first_weights_of_the_encoder_alone() -> None:
    plain = preset("simclr")
    beside = replace(plain, loss=replace(plain.loss, auxiliary=Choice("autoencoder", (("weight", 0.5),))))
    states = []
    for genotype in (plain, beside):
        torch.manual_seed(3)
        states.append(ContrastiveModel(genotype, variates=2).encoder.state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
