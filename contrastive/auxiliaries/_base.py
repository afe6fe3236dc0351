"""What all auxiliary losses share: the weighted call, when it has a step of its own, targets by stream, and errors."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from contrastive.checks import checked
from search_space.genotype.rules import PARAMETERS, POSITIVE

Encode = Callable[[Tensor], Tensor]
"""Maps windows (B, T, V) to representations (B, S, T, D)."""

CHOICES = {"weight": (0.1, 0.5, 1.0), "own_steps": (0.0, 1.0)}
USUAL = {"own_steps": 0.0}
"""Parameters that every auxiliary loss has, as it registers them."""

VARIANCE_FLOOR = 1e-5


class Auxiliary(nn.Module, ABC):
    """A second loss that has the encoder reconstruct the windows themselves.

    What it decodes with are weights that train along and are thrown away with the
    strategy. A missing value is never a target, and what is missing throughout
    adds nothing; all chance comes from the generator. The targets are z-normalised
    per window and variate, so that an encoder that normalises its input can meet
    them.

    Args:
        features: Width D of the representation of a step.
        width: Variates of a stream: 1 with independent channels, else all.
        weight: Factor of the loss, > 0; with steps of its own, which do not feel the size of a loss, of their
            learning rate.
        own_steps: 0 adds the loss to the contrastive one. Otherwise it has an optimiser of its own, whose steps go
            before so many of the others: 1 takes turns, .5 goes before every other one. Sharing an optimiser, with
            its moments, can cost more than the second loss brings.

    Raises:
        ValueError: If `weight` is not greater than 0, or `own_steps` is not in [0, 1].
    """

    def __init__(self, features: int, *, width: int, weight: float, own_steps: float = 0.0) -> None:
        super().__init__()
        self.features = features
        self.width = width
        self.weight = checked(f"{type(self).__name__}.weight", weight, POSITIVE)
        self.own_steps = checked(f"{type(self).__name__}.own_steps", own_steps, PARAMETERS["own_steps"])

    def forward(self, x: Tensor, encode: Encode, *, generator: torch.Generator) -> Tensor:
        """Return the weighted loss, a scalar.

        Args:
            x: Windows, NaN is missing, shape (B, T, V).
            encode: Maps (B, T, V) to (B, S, T, D), where S * width = V.
            generator: Source of all chance, on the device of `x`.
        """
        return self.weight * self._loss(x, encode, generator=generator)

    def n_own_steps(self, iterations: int) -> int:
        """Return how many steps of its own it has taken within so many iterations."""
        return math.floor(iterations * self.own_steps)

    @abstractmethod
    def _loss(self, x: Tensor, encode: Encode, *, generator: torch.Generator) -> Tensor:
        """Return the loss without its weight; written by the author of an option."""


class Targets(NamedTuple):
    """What a decoder should say.

    Attributes:
        values: z-normalised, 0 where missing, shape (B, S, T, width).
        observed: False where missing, shape (B, S, T, width).
    """

    values: Tensor
    observed: Tensor


def targets_of(x: Tensor, *, width: int) -> Targets:
    """Return every variate of every window with mean 0 and variance 1 over its observed steps.

    A constant variate becomes zeros (1e-5 is added to the variance).

    Args:
        x: Windows, NaN is missing, shape (B, T, V).
        width: Variates of a stream, a divisor of V.
    """
    observed = ~torch.isnan(x)
    count = observed.sum(dim=1, keepdim=True).clamp(min=1)
    centred = x - x.nansum(dim=1, keepdim=True) / count
    variance = centred.square().nansum(dim=1, keepdim=True) / count
    values = (centred * (variance + VARIANCE_FLOOR).rsqrt()).masked_fill(~observed, 0.0)
    return Targets(values=by_stream(values, width=width), observed=by_stream(observed, width=width))


def by_stream(x: Tensor, *, width: int) -> Tensor:
    """Return (B, T, V) as (B, V / width, T, width), as encoders order their streams."""
    batch, steps, variates = x.shape
    return x.reshape(batch, steps, variates // width, width).transpose(1, 2)


def mean_squared_error(predicted: Tensor, target: Tensor, *, counts: Tensor) -> Tensor:
    """Return the mean squared error over the entries that count, 0 if none does; all of one shape."""
    squared = torch.where(counts, (predicted - target).square(), 0.0)
    return squared.sum() / counts.sum().clamp(min=1)
