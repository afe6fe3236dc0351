"""Banks of kernels with fitted shares: two ways of computing them agree, and what learns is what should."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from encoders.encoder import Encoder
from encoders.operators._kernel_sets import KernelSets
from encoders.readouts._shares import SharesReadout
from search_space.genotype import EncoderCell
from search_space.presets import preset

CELL = replace(preset("minirocket").encoder, hidden=2 * 84, readout="shares_4")


def waves(n: int = 8, steps: int = 60, variates: int = 3, *, rng_seed: int = 0) -> Tensor:
    return torch.randn(n, steps, variates, generator=torch.Generator().manual_seed(rng_seed)).cumsum(dim=1)


def built(cell: EncoderCell = CELL, *, variates: int = 3, x: Tensor | None = None) -> Encoder:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        encoder = Encoder(cell, variates=variates)
    encoder.fit(waves(variates=variates) if x is None else x)
    return encoder.eval()


def bank_of(encoder: Encoder) -> KernelSets:
    assert isinstance(encoder.bank, KernelSets)
    return encoder.bank


def test_the_kernels_are_those_of_minirocket() -> None:
    bank = bank_of(built())
    expected = {
        tuple(2.0 if tap in places else -1.0 for tap in range(9)) for places in itertools.combinations(range(9), 3)
    }
    for run in bank.runs:
        assert {tuple(kernel) for kernel in bank.kernels[run.features].tolist()} == expected
    assert bank.kernels.sum(dim=1).abs().max() == 0


@pytest.mark.parametrize(("steps", "dilations"), [(9, [1, 1]), (60, [1, 7]), (129, [1, 16]), (1000, [1, 124])])
def test_dilations_reach_over_the_window(steps: int, dilations: list[int]) -> None:
    bank = bank_of(built(x=waves(steps=steps)))
    assert [bank.dilations[0].item(), bank.dilations[-1].item()] == dilations


def test_a_feature_sums_a_subset_of_the_variates() -> None:
    weight = built(variates=6).projection.weight
    assert set(weight.unique().tolist()) == {0.0, 1.0}
    assert set(weight.sum(dim=1).tolist()) >= {1.0, 2.0, 3.0}
    assert built(variates=1).projection.weight.eq(1).all()


@pytest.mark.parametrize("channels", ["mixed", "independent"])
@pytest.mark.parametrize("normalization", ["none", "instance", "last"])
def test_dilation_by_dilation_equals_the_whole_latent(channels: str, normalization: str) -> None:
    encoder, x = built(replace(CELL, channels=channels, normalization=normalization)), waves(rng_seed=5)
    x[0, 40:] = torch.nan
    x[1, 10:20, 0] = torch.nan
    span = ~x.isnan().all(dim=2)
    span[1] = True
    with torch.no_grad():
        latent = encoder(x)
        whole = encoder.readout(latent, span)
        found = encoder.represent(x)[..., : encoder.readout.out_features]
    assert (found - whole).abs().max() <= 1.5 / 40  # rounding may put one value of a series beside a threshold
    assert (found - whole).abs().mean() < 1e-4


def test_thresholds_are_quantiles_of_what_training_windows_give() -> None:
    x = waves(64)
    encoder = built(x=x)
    shares = encoder.represent(x)[:, 0].reshape(64, -1, 4).mean(dim=0)
    torch.testing.assert_close(shares, torch.tensor([0.8, 0.6, 0.4, 0.2]).expand_as(shares), atol=0.02, rtol=0)


def test_equal_counts_are_equal_to_the_last_bit() -> None:
    encoder, x = built(), waves(37)
    with torch.no_grad():
        counts = encoder.represent(x) * 60
    assert (counts / 60 == encoder.represent(x)).all() and (counts - counts.round()).abs().max() < 1e-4
    assert len((encoder.represent(x)).unique()) <= 61


def test_padding_changes_nothing() -> None:
    encoder, x = built(), waves(2)
    padded = torch.cat([x, torch.full((2, 25, 3), torch.nan)], dim=1)
    torch.testing.assert_close(encoder.represent(padded), encoder.represent(x))


def test_a_frozen_bank_alone_learns_nothing_and_a_trained_one_learns_all() -> None:
    assert not any(p.requires_grad for p in built().parameters())
    encoder = built(replace(CELL, edges=((0, "trained_kernel_bank"),)))
    encoder.train()
    encoder.represent(waves()).square().sum().backward()
    gradients = {name: p.grad for name, p in encoder.named_parameters()}
    assert gradients.pop("projection.weight") is gradients.pop("projection.bias") is None  # sums of variates stay
    assert len(gradients) == 2 and all(g is not None and g.abs().sum() > 0 for g in gradients.values())


def test_soft_shares_are_near_the_exact_ones() -> None:
    encoder, x = built(), waves()
    exact = encoder.represent(x)
    assert isinstance(encoder.readout, SharesReadout)
    encoder.readout.train()
    soft = encoder.represent(x)
    assert 0 < (soft - exact).abs().mean() < 0.02


def test_saved_and_loaded_equal_and_refitted_like_untrained() -> None:
    cell = replace(CELL, edges=((0, "trained_kernel_bank"),))
    encoder, x = built(cell, x=waves(steps=90)), waves(rng_seed=3)
    before = encoder.represent(x)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        loaded, again = Encoder(cell, variates=3), None
        torch.manual_seed(1)
        again = Encoder(cell, variates=3)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.1)
    loaded.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(loaded.eval().represent(x), encoder.represent(x), atol=0, rtol=0)
    again.refit(encoder)
    torch.testing.assert_close(again.eval().represent(x), before, atol=0, rtol=0)


@pytest.mark.parametrize("hidden", [1, 5, 84, 100, 1024, 1500])
def test_any_width(hidden: int) -> None:
    encoder = built(replace(CELL, hidden=hidden))
    assert encoder.represent(waves()).shape == (8, 1, 4 * hidden)
    stacked = built(replace(CELL, hidden=hidden, blocks=2), x=waves(300))  # a fitted readout behind anything else
    assert stacked.represent(waves()).shape == (8, 1, 4 * hidden)
    assert encoder(waves()).shape == (8, 1, 60, hidden)


def test_a_single_value_is_enough_to_be_fitted_to() -> None:
    x = torch.full((1, 20, 3), torch.nan)
    x[0, 4] = 1.0
    assert built(x=x).represent(waves()).isfinite().all()
