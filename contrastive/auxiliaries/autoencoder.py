"""Reconstruction through the pooled representation."""

import torch
from torch import Tensor

from contrastive.auxiliaries._base import CHOICES, USUAL, Auxiliary, Encode, mean_squared_error, targets_of
from contrastive.auxiliaries._decoder import StepDecoder, pooled
from search_space.registry import register


@register(
    "auxiliary",
    "autoencoder",
    choices=CHOICES,
    usual=USUAL,
    source="Hinton and Salakhutdinov 2006 (Science 313, dimensionality reduction with neural networks)",
)
class Autoencoder(Auxiliary):
    """Reconstruct every observed value of a window from its pooled representation, with squared error.

    The bottleneck is the mean of the representations over the observed steps; each
    step is decoded from that vector and the step's sinusoids. Deliberate
    differences from the source: the encoder is the searched one, the decoder a
    perceptron of one hidden layer and not its mirror image, nothing is pretrained
    layer by layer.
    """

    def __init__(self, features: int, *, width: int, weight: float, own_steps: float = 0.0) -> None:
        super().__init__(features, width=width, weight=weight, own_steps=own_steps)
        self.decoder = StepDecoder(features, width=width)

    def _loss(self, x: Tensor, encode: Encode, *, generator: torch.Generator) -> Tensor:
        targets = targets_of(x, width=self.width)
        code = pooled(encode(x), observed=targets.observed)  # (B, S, D)
        decoded = self.decoder(code, steps=x.shape[1])
        return mean_squared_error(decoded, targets.values, counts=targets.observed)
