"""Auxiliary losses: perfect decoders, closed forms, what is hidden, and that they learn."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from contrastive.auxiliaries._base import Auxiliary, targets_of
from contrastive.auxiliaries._decoder import pooled, step_sinusoids
from contrastive.auxiliaries.autoencoder import Autoencoder
from contrastive.auxiliaries.masked_reconstruction import MaskedReconstruction, draw_hidden
from contrastive.auxiliaries.vae import KL_SHARE, LATENT, VAE, kl_from_standard_normal


def generator(rng_seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(rng_seed)


def normal(*shape: int, rng_seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(rng_seed))


def with_gaps(*shape: int) -> Tensor:
    x = normal(*shape)
    x[0, 3:9, 0] = torch.nan
    x[-1, -5:] = torch.nan
    return x


@pytest.mark.parametrize("width", [1, 3])
def test_targets_have_mean_zero_and_variance_one_over_what_is_observed(width: int) -> None:
    x = 100.0 + 5.0 * with_gaps(4, 30, 3)
    x[1, :, 2] = 7.0
    targets = targets_of(x, width=width)
    assert targets.values.shape == targets.observed.shape == (4, 3 // width, 30, width)
    for window in range(4):
        for variate in range(3):
            stream, place = divmod(variate, width)
            seen = ~torch.isnan(x[window, :, variate])
            values = targets.values[window, stream, :, place]
            assert torch.equal(targets.observed[window, stream, :, place], seen) and not values[~seen].any()
            spread = 0.0 if (window, variate) == (1, 2) else 1.0
            assert float(values[seen].mean()) == pytest.approx(0.0, abs=1e-4)
            assert float(values[seen].var(correction=0)) == pytest.approx(spread, abs=1e-3)


@pytest.mark.parametrize("width", [1, 3])
def test_a_perfect_prediction_of_hidden_steps_costs_nothing(width: int) -> None:
    x = with_gaps(4, 40, 3)
    auxiliary = MaskedReconstruction(width, width=width, weight=1.0)
    with torch.no_grad():
        auxiliary.decoder.weight.copy_(torch.eye(width))
        auxiliary.decoder.bias.zero_()
    truth = targets_of(x, width=width).values
    assert float(auxiliary(x, lambda _: truth, generator=generator())) == pytest.approx(0.0, abs=1e-10)
    assert float(auxiliary(x, lambda _: truth + 0.5, generator=generator())) == pytest.approx(0.25, rel=1e-5)


@pytest.mark.parametrize("width", [1, 2])
def test_hidden_values_do_not_leak(width: int) -> None:
    x, seen = normal(3, 40, 2), []
    auxiliary = MaskedReconstruction(2, width=width, weight=1.0)

    def encode(shown: Tensor) -> Tensor:
        seen.append(shown)
        return torch.ones(3, 2 // width, 40, 2)

    first = auxiliary(x, encode, generator=generator(5))
    hidden = torch.isnan(seen[0])
    # variates of one stream are hidden together, those of different streams on their own
    assert torch.equal(hidden[..., 0], hidden[..., 1]) == (width == 2)
    changed = torch.where(hidden, x + 3.0 * normal(3, 40, 2, rng_seed=9), x)
    second = auxiliary(changed, encode, generator=generator(5))
    assert torch.equal(seen[0].nan_to_num(77.0), seen[1].nan_to_num(77.0))
    assert torch.equal(seen[0].masked_fill(hidden, 0.0), x.masked_fill(hidden, 0.0))
    assert float(first.detach()) != float(second.detach())


def test_only_hidden_steps_count() -> None:
    x, z = normal(3, 40, 1), normal(3, 1, 40, 4).requires_grad_(True)
    shown: list[Tensor] = []

    def encode(windows: Tensor) -> Tensor:
        shown.append(windows)
        return z

    MaskedReconstruction(4, width=1, weight=1.0)(x, encode, generator=generator()).backward()
    assert z.grad is not None
    assert torch.equal(z.grad.squeeze(1).any(dim=-1), torch.isnan(shown[0][..., 0]))


@pytest.mark.parametrize(
    ("steps", "patch", "count"), [(1, 1, 0), (2, 1, 1), (5, 1, 2), (24, 4, 2), (60, 12, 2), (128, 12, 4)]
)
def test_hidden_patches_have_the_stated_length_and_share(steps: int, patch: int, count: int) -> None:
    hidden = draw_hidden(50, steps=steps, generator=generator(), device=torch.device("cpu"))
    padded = torch.cat([hidden, hidden[:, -1:].expand(-1, -steps % patch)], dim=1).view(50, -1, patch)
    assert torch.equal(padded.any(dim=2), padded.all(dim=2))
    assert (padded.all(dim=2).sum(dim=1) == count).all()
    if count:
        assert len(hidden.unique(dim=0)) > 1


@pytest.mark.parametrize("auxiliary", [Autoencoder(4, width=2, weight=1.0), VAE(4, width=2, weight=1.0)])
def test_only_the_pooled_representation_passes_the_bottleneck(auxiliary: Auxiliary) -> None:
    x, z, order = normal(3, 20, 2), normal(3, 1, 20, 4), torch.randperm(20, generator=generator(1))
    losses = [auxiliary(x, lambda _, at=at: z[:, :, at], generator=generator()) for at in (slice(None), order)]
    torch.testing.assert_close(losses[0], losses[1])


def test_pooling_counts_the_steps_that_show_anything() -> None:
    z, observed = normal(1, 2, 6, 3), torch.zeros(1, 2, 6, 2, dtype=torch.bool)
    observed[0, 0, 1:4, 0] = True
    observed[0, 0, 3:5, 1] = True
    mean = pooled(z, observed=observed)
    torch.testing.assert_close(mean[0, 0], z[0, 0, 1:5].mean(dim=0))
    assert not mean[0, 1].any()


class Oracle(nn.Module):
    """A decoder that says the same, whatever the code."""

    def __init__(self, said: Tensor) -> None:
        super().__init__()
        self.said = said

    def forward(self, code: Tensor, *, steps: int) -> Tensor:
        assert steps == self.said.shape[2]
        return self.said


def test_a_perfect_decoder_leaves_the_autoencoder_nothing_and_the_vae_its_kl_term() -> None:
    x, z = with_gaps(4, 30, 2), normal(4, 2, 30, 5)
    targets = targets_of(x, width=1)
    autoencoder, vae = Autoencoder(5, width=1, weight=1.0), VAE(5, width=1, weight=1.0)
    for auxiliary in (autoencoder, vae):
        auxiliary.decoder = Oracle(targets.values)  # type: ignore[assignment]
    assert float(autoencoder(x, lambda _: z, generator=generator())) == 0.0
    mean, log_variance = vae.moments(pooled(z, observed=targets.observed)).chunk(2, dim=-1)
    divergence = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).sum()
    expected = 2.0 * KL_SHARE * divergence / targets.observed.sum()
    torch.testing.assert_close(vae(x, lambda _: z, generator=generator()), expected)


def test_the_kl_term_is_that_of_torch() -> None:
    mean, log_variance = normal(3, 2, LATENT), normal(3, 2, LATENT, rng_seed=1)
    expected = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).sum(dim=-1)
    torch.testing.assert_close(kl_from_standard_normal(mean, log_variance), expected)
    assert not kl_from_standard_normal(torch.zeros(1, 1, LATENT), torch.zeros(1, 1, LATENT)).any()


def test_without_its_kl_term_the_vae_is_an_autoencoder_and_draws_nothing() -> None:
    x, z, chance = with_gaps(4, 30, 2), normal(4, 2, 30, LATENT), generator()
    vae, autoencoder = VAE(LATENT, width=1, weight=0.5, kl=0.0), Autoencoder(LATENT, width=1, weight=0.5)
    vae.decoder = autoencoder.decoder
    with torch.no_grad():  # the code's mean is the pooled representation itself, its deviation anything
        vae.moments.weight[:LATENT] = torch.eye(LATENT)
        vae.moments.bias[:LATENT] = 0.0
    before = chance.get_state()
    torch.testing.assert_close(vae(x, lambda _: z, generator=chance), autoencoder(x, lambda _: z, generator=chance))
    assert torch.equal(chance.get_state(), before)


def test_the_loss_of_the_vae_is_affine_in_the_weight_of_its_kl_term() -> None:
    x, z, vae = with_gaps(4, 30, 2), normal(4, 2, 30, 5), VAE(5, width=1, weight=1.0)
    losses = []
    for kl in (0.1, 0.3, 1.0):
        vae.kl = kl
        losses.append(float(vae(x, lambda _: z, generator=generator()).detach()))
    assert vae.kl != KL_SHARE and (losses[2] - losses[0]) / (losses[1] - losses[0]) == pytest.approx(4.5, rel=1e-3)
    with pytest.raises(ValueError, match=r"VAE.kl: must be a finite number >= 0, got -0.1"):
        VAE(5, width=1, weight=1.0, kl=-0.1)


@pytest.mark.parametrize(("own_steps", "taken"), [(0.0, ""), (0.5, "135"), (1.0, "012345"), (0.7, "1245")])
def test_own_steps_are_spread_evenly(own_steps: float, taken: str) -> None:
    auxiliary = Autoencoder(4, width=1, weight=1.0, own_steps=own_steps)
    steps = [at for at in range(6) if auxiliary.n_own_steps(at + 1) > auxiliary.n_own_steps(at)]
    assert steps == [int(at) for at in taken]


def test_the_vae_draws_its_codes_from_the_generator() -> None:
    x, vae = normal(4, 30, 2), VAE(5, width=1, weight=1.0)
    losses = [
        float(vae(x, lambda _: torch.ones(4, 2, 30, 5), generator=generator(rng_seed)).detach()) for rng_seed in (1, 2)
    ]
    assert losses[0] != losses[1]


def test_sinusoids_tell_every_step_from_every_other() -> None:
    marks = step_sinusoids(700, like=torch.zeros(()))
    assert marks.shape == (700, 32) and marks.abs().max() <= 1.0
    distances = torch.cdist(marks, marks) + 10.0 * torch.eye(700)
    assert distances.min() > 0.3


@pytest.mark.parametrize(("option", "share"), [(MaskedReconstruction, 0.3), (Autoencoder, 0.3), (VAE, 0.4)])
def test_sines_are_learned(option: type[Auxiliary], share: float) -> None:
    """Sines at four phases; a step is encoded with its neighbours, and with what averages to the phase."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        auxiliary, network = option(8, width=1, weight=1.0), nn.Conv1d(2, 8, 25, padding=12)
    angles = torch.arange(48.0) * (2.0 * torch.pi / 16.0)
    phases = torch.arange(4.0).repeat(4) * (torch.pi / 2.0)
    x = torch.sin(angles + phases.unsqueeze(1)).unsqueeze(-1)  # (16, 48, 1)
    waves = torch.stack([angles.sin(), angles.cos()], dim=-1)

    def encode(windows: Tensor) -> Tensor:
        missing = torch.isnan(windows).float()
        seen = windows.nan_to_num()
        z = torch.relu(network(torch.cat([seen, missing], dim=-1).transpose(1, 2))).transpose(1, 2)
        return (z + nn.functional.pad(seen * waves, (0, 6))).unsqueeze(1)

    optimizer = torch.optim.Adam([*auxiliary.parameters(), *network.parameters()], lr=0.02)
    chance, losses = generator(), []
    for _ in range(150):
        optimizer.zero_grad()
        loss = auxiliary(x, encode, generator=chance)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] > 0.8 and sum(losses[-10:]) / 10.0 < share


@pytest.mark.parametrize("option", [MaskedReconstruction, Autoencoder, VAE])
@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_the_weight_must_be_above_zero(option: type[Auxiliary], weight: float) -> None:
    with pytest.raises(ValueError, match=rf"{option.__name__}\.weight: must be a finite number > 0"):
        option(4, width=1, weight=weight)
