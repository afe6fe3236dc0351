"""Reconstruction through a Gaussian bottleneck."""

import torch
from torch import Tensor, nn

from contrastive.auxiliaries._base import CHOICES, USUAL, Auxiliary, Encode, mean_squared_error, targets_of
from contrastive.auxiliaries._decoder import StepDecoder, pooled
from contrastive.checks import checked
from search_space.genotype.rules import NOT_NEGATIVE
from search_space.registry import register

LATENT = 16
KL_SHARE = 0.1


@register(
    "auxiliary",
    "vae",
    choices={**CHOICES, "kl": (0.0, KL_SHARE)},
    usual={**USUAL, "kl": KL_SHARE},
    source="Kingma and Welling 2014, arXiv:1312.6114, eq. (10); the KL term's factor: beta-VAE, Higgins et al. 2017",
)
class VAE(Auxiliary):
    """Reconstruct a window from a random code around its pooled representation, and keep the codes near a Gaussian.

    Mean and variance of 16 latents are linear in the mean of the representations
    over the observed steps; a drawn code is decoded as by `autoencoder`. The loss is
    the squared error per observed value plus `kl` times 2 KL per observed value.
    Deliberate difference: `kl` is small where nothing is said of it, and one code is
    drawn per window.

    Args:
        features: Width D of the representation of a step.
        width: Variates of a stream.
        weight: Factor of the loss, > 0.
        own_steps: As of `Auxiliary`.
        kl: Weight of the Kullback-Leibler term, >= 0. 1 is twice the negative lower bound of a Gaussian with variance
            1, which draws all windows to one point; 0 is an autoencoder of 16 latents: the code is the mean, and
            nothing is drawn.

    Raises:
        ValueError: If `weight`, `own_steps` or `kl` is out of its range.
    """

    def __init__(
        self, features: int, *, width: int, weight: float, own_steps: float = 0.0, kl: float = KL_SHARE
    ) -> None:
        super().__init__(features, width=width, weight=weight, own_steps=own_steps)
        self.kl = checked("VAE.kl", kl, NOT_NEGATIVE)
        self.moments = nn.Linear(features, 2 * LATENT)
        self.decoder = StepDecoder(LATENT, width=width)

    def _loss(self, x: Tensor, encode: Encode, *, generator: torch.Generator) -> Tensor:
        targets = targets_of(x, width=self.width)
        moments = self.moments(pooled(encode(x), observed=targets.observed))  # (B, S, 2 * latents)
        mean, log_variance = moments.chunk(2, dim=-1)
        if not self.kl:
            decoded = self.decoder(mean, steps=x.shape[1])
            return mean_squared_error(decoded, targets.values, counts=targets.observed)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        decoded = self.decoder(mean + (0.5 * log_variance).exp() * noise, steps=x.shape[1])
        error = mean_squared_error(decoded, targets.values, counts=targets.observed)
        seen = targets.observed.flatten(2).any(dim=-1)  # (B, S)
        divergence = torch.where(seen, kl_from_standard_normal(mean, log_variance), 0.0).sum()
        return error + self.kl * 2.0 * divergence / targets.observed.sum().clamp(min=1)


def kl_from_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, 1)), summed over the latents: (B, S) from (B, S, latents)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=-1)
