"""Reconstruction through a Gaussian bottleneck."""

import torch
from torch import Tensor, nn

from contrastive.auxiliaries._base import Auxiliary, Encode, mean_squared_error, targets_of
from contrastive.auxiliaries._decoder import StepDecoder, pooled
from search_space.registry import register

LATENT = 16
KL_SHARE = 0.1
"""Of the Kullback-Leibler term; 1 is the evidence lower bound, which draws all windows to one point."""


@register(
    "auxiliary",
    "vae",
    choices={"weight": (0.1, 0.5, 1.0)},
    source="Kingma and Welling 2014, arXiv:1312.6114, eq. (10); the KL term's factor: beta-VAE, Higgins et al. 2017",
)
class VAE(Auxiliary):
    """Reconstruct a window from a random code around its pooled representation, and keep the codes near a Gaussian.

    Mean and variance of 16 latents are linear in the mean of the representations
    over the observed steps; a drawn code is decoded as by `autoencoder`. The loss is
    the squared error per observed value plus `KL_SHARE` times 2 KL per observed
    value: twice the negative lower bound of a Gaussian with variance 1 where the
    share is 1. Deliberate difference: the share is a small constant, and one code
    is drawn per window.
    """

    def __init__(self, features: int, *, width: int, weight: float) -> None:
        super().__init__(features, width=width, weight=weight)
        self.moments = nn.Linear(features, 2 * LATENT)
        self.decoder = StepDecoder(LATENT, width=width)

    def _loss(self, x: Tensor, encode: Encode, *, generator: torch.Generator) -> Tensor:
        targets = targets_of(x, width=self.width)
        moments = self.moments(pooled(encode(x), observed=targets.observed))  # (B, S, 2 * latents)
        mean, log_variance = moments.chunk(2, dim=-1)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        decoded = self.decoder(mean + (0.5 * log_variance).exp() * noise, steps=x.shape[1])
        error = mean_squared_error(decoded, targets.values, counts=targets.observed)
        seen = targets.observed.flatten(2).any(dim=-1)  # (B, S)
        divergence = torch.where(seen, kl_from_standard_normal(mean, log_variance), 0.0).sum()
        return error + KL_SHARE * 2.0 * divergence / targets.observed.sum().clamp(min=1)


def kl_from_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, 1)), summed over the latents: (B, S) from (B, S, latents)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=-1)
