"""What all weightings share: the final call, the mean of 1 and the anchors that count."""

from abc import ABC, abstractmethod
from typing import Protocol

import torch
from torch import Tensor

ROUNDING = 1e-5
"""Losses that differ less than this are equal."""


class AnchorWeights(Protocol):
    """A weighting at one iteration, as a loss calls it."""

    def __call__(self, losses: Tensor, *, counts: Tensor) -> Tensor:
        """Return weights of shape (G, A) for losses of shape (G, A)."""


class Weighting(ABC):
    """How much every anchor counts, from its own loss.

    Promises: the weights are not negative, their mean over the anchors that
    count is 1, no gradient flows through them, and equal losses weigh the same.
    """

    def __call__(self, losses: Tensor, *, counts: Tensor, iteration: int) -> Tensor:
        """Return the weights, 0 for anchors that do not count.

        Args:
            losses: Loss of every anchor, shape (G, A).
            counts: False for anchors without positives, shape (A,).
            iteration: Training steps taken so far, 0 at the first.

        Returns:
            Detached; not finite where the losses are not; shape (G, A).
        """
        weights = torch.zeros_like(losses)
        if bool(counts.any()):
            raw = self._weights(losses.detach()[:, counts], iteration=iteration)
            weights[:, counts] = raw / raw.mean()
        return weights

    @abstractmethod
    def _weights(self, losses: Tensor, *, iteration: int) -> Tensor:
        """Return weights of any mean above 0; written by the author of an option.

        Args:
            losses: Of the anchors that count, at least one of them, shape (G, A).
            iteration: Training steps taken so far.

        Returns:
            Shape (G, A).
        """
