"""Every registered auxiliary loss keeps the promises of its kind, by being registered."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from contrastive.auxiliaries._base import Auxiliary, Encode
from search_space import registry

AUXILIARIES = sorted(registry.options("auxiliary"))
FEATURES = 6


def generator(rng_seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(rng_seed)


def normal(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(rng_seed))


def build(name: str, *, width: int = 1, weight: float = 0.5) -> Auxiliary:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        auxiliary: Auxiliary = registry.build("auxiliary", name, FEATURES, width=width, weight=weight)
    return auxiliary


def encoder(*, width: int, scale: Tensor | float = 1.0) -> Encode:
    """Return an encoder of single steps that shows nothing of a missing value."""

    def encode(x: Tensor) -> Tensor:
        batch, steps, variates = x.shape
        by_stream = x.nan_to_num().reshape(batch, steps, variates // width, width).transpose(1, 2)
        angle = by_stream.sum(dim=-1, keepdim=True) * torch.arange(1.0, FEATURES + 1.0)
        return torch.sin(angle) * scale

    return encode


@pytest.mark.parametrize("name", AUXILIARIES)
@pytest.mark.parametrize("mixed", [False, True])
def test_loss_and_gradients_are_finite_for_any_window(name: str, mixed: bool) -> None:
    for batch, steps, variates in itertools.product((1, 4), (1, 2, 7, 40), (1, 3)):
        width = variates if mixed else 1
        auxiliary = build(name, width=width)
        windows = normal(batch, steps, variates)
        windows[0, : steps // 2] = torch.nan
        for x in (windows, torch.full_like(windows, 3.0), torch.full_like(windows, torch.nan), 1e6 + windows):
            scale = torch.ones(FEATURES, requires_grad=True)
            loss = auxiliary(x, encoder(width=width, scale=scale), generator=generator())
            loss.backward()
            assert loss.shape == () and torch.isfinite(loss)
            for weight in (scale, *auxiliary.parameters()):
                assert weight.grad is not None and torch.isfinite(weight.grad).all()


@pytest.mark.parametrize("name", AUXILIARIES)
def test_it_depends_on_the_generator_alone_and_changes_nothing(name: str) -> None:
    auxiliary, x = build(name), normal(4, 30, 2)
    x[1, 5:9] = torch.nan
    kept, state = x.clone(), torch.get_rng_state()
    results = [auxiliary(x, encoder(width=1), generator=generator(rng_seed)) for rng_seed in (1, 1)]
    assert torch.equal(results[0], results[1])
    assert torch.equal(x.nan_to_num(99.0), kept.nan_to_num(99.0)) and torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", AUXILIARIES)
def test_the_weight_is_a_factor_and_the_decoder_is_trained(name: str) -> None:
    x = normal(4, 30, 2)
    half, whole = (build(name, weight=weight)(x, encoder(width=1), generator=generator()) for weight in (0.5, 1.0))
    torch.testing.assert_close(2.0 * half, whole)
    assert any(parameter.requires_grad for parameter in build(name).parameters())


@pytest.mark.parametrize("name", AUXILIARIES)
def test_targets_know_neither_level_nor_scale(name: str) -> None:
    """Representations that know neither, as of an encoder that normalises, meet the same targets."""
    auxiliary, x = build(name), normal(4, 30, 2)

    def encode(_: Tensor) -> Tensor:
        return normal(4, 2, 30, FEATURES)

    moved = auxiliary(50.0 * x - 7.0, encode, generator=generator())
    torch.testing.assert_close(moved, auxiliary(x, encode, generator=generator()), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", AUXILIARIES)
@pytest.mark.parametrize("width", [1, 2])
def test_missing_throughout_adds_nothing(name: str, width: int) -> None:
    auxiliary, x = build(name, width=width), normal(4, 30, 2)
    x[2] = torch.nan
    z = normal(4, 2 // width, 30, FEATURES).requires_grad_(True)
    auxiliary(x, lambda _: z, generator=generator()).backward()
    assert z.grad is not None and not z.grad[2].any() and z.grad[[0, 1, 3]].abs().sum(dim=(1, 2, 3)).all()


@pytest.mark.parametrize("name", AUXILIARIES)
def test_padding_gets_no_gradient(name: str) -> None:
    auxiliary, x = build(name), normal(4, 30, 1)
    x[:, 20:] = torch.nan
    z = normal(4, 1, 30, FEATURES).requires_grad_(True)
    auxiliary(x, lambda _: z, generator=generator()).backward()
    assert z.grad is not None and not z.grad[:, :, 20:].any() and z.grad[:, :, :20].any()


@pytest.mark.parametrize("name", AUXILIARIES)
def test_it_shows_values_that_are_not_finite(name: str) -> None:
    encode = encoder(width=1, scale=torch.full((FEATURES,), torch.inf))
    assert not torch.isfinite(build(name)(normal(4, 30, 2), encode, generator=generator()))
