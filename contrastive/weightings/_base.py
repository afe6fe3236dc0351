"""What all weightings share: the final call, the mean of 1, the anchors that count and the rows they come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

ROUNDING = 1e-5
"""Losses that differ less than this are equal."""


class AnchorWeights(Protocol):
    """A weighting at one iteration, as a loss calls it."""

    def __call__(self, losses: Tensor, *, counts: Tensor, instances: Tensor | None) -> Tensor:
        """Return weights of shape (G, A) for losses of shape (G, A); the instances are those of a `PairGroup`."""


Compare = Callable[[Tensor, Tensor, AnchorWeights | None], Tensor]
"""Returns the loss of two aligned views, shape (R, T, D) each, with weights of their anchors."""


class Rows(NamedTuple):
    """The R rows (window x stream) that an iteration contrasts.

    Attributes:
        z: Representations of the first view, detached, shape (R, T, D).
        streams: Which stream of its window each row is, shape (R,).
        windows: Place of each row's window among all training windows, None where nobody knows, shape (R,).
        n_windows: How many training windows there are, 0 where nobody knows.
    """

    z: Tensor
    streams: Tensor
    windows: Tensor | None = None
    n_windows: int = 0

    def part(self, which: Tensor) -> Rows:
        """Return some of the rows, those where a mask of shape (R,) is True."""
        windows = None if self.windows is None else self.windows[which]
        return Rows(self.z[which], self.streams[which], windows, self.n_windows)


class Origin(NamedTuple):
    """Where the anchors that count come from.

    Attributes:
        rows: What is contrasted.
        instances: The row of every anchor, shape (G, A).
    """

    rows: Rows
    instances: Tensor


class Weighting(nn.Module, ABC):
    """How much every anchor counts, from its own loss and what is known of its window.

    Promises: the weights are not negative, their mean over the anchors that
    count is 1, no gradient flows through them, and equal losses weigh the same
    where nothing is known of windows. What a weighting remembers are buffers: they
    are saved with a training that goes on, and no other optimiser moves them; what is
    to be trained with the encoder are parameters.
    """

    heads: int = 1
    """Under how many maps views are compared."""
    looks_ahead_every: ClassVar[int] = 0
    """Iterations from one look ahead to the next, which compares views anew; 0 for none."""

    def forward(
        self,
        losses: Tensor,
        *,
        counts: Tensor,
        iteration: int,
        instances: Tensor | None = None,
        rows: Rows | None = None,
    ) -> Tensor:
        """Return the weights, 0 for anchors that do not count.

        Args:
            losses: Loss of every anchor, shape (G, A).
            counts: False for anchors without positives, shape (A,).
            iteration: Training steps taken so far, 0 at the first.
            instances: The row of every anchor, broadcastable to (G, A).
            rows: What is known of the rows; nothing is without `instances`.

        Returns:
            Detached; not finite where the losses are not; shape (G, A).
        """
        weights = torch.zeros_like(losses)
        if bool(counts.any()):
            origin = None
            if rows is not None and instances is not None:
                origin = Origin(rows, instances.expand_as(losses)[:, counts])
            with torch.no_grad():
                raw = self._weights(losses.detach()[:, counts], iteration=iteration, origin=origin)
                weights[:, counts] = (raw / raw.mean()).to(weights.dtype)
        return weights

    def expect_windows(self, n_windows: int) -> None:
        """Make room for so many training windows; most weightings remember none."""

    def expect_features(self, features: int) -> None:
        """Make what depends on how many features are compared; most weightings have nothing of that."""

    def compared(self, z1: Tensor, z2: Tensor, compare: Compare, *, iteration: int, rows: Rows) -> Tensor:
        """Return the weighted loss of an iteration's views, a scalar; the arguments are those of `learn`."""
        self.learn(z1.detach(), z2.detach(), compare, iteration=iteration, rows=rows)
        return compare(z1, z2, partial(self, iteration=iteration, rows=rows))

    def learn(self, z1: Tensor, z2: Tensor, compare: Compare, *, iteration: int, rows: Rows) -> None:
        """Look at an iteration's views before they are compared; most weightings learn nothing.

        Args:
            z1: Representations of view 1, detached, shape (R, T, D).
            z2: Of view 2 at the same times, shape (R, T, D).
            compare: The loss of two such views.
            iteration: Training steps taken so far.
            rows: What is known of the rows.
        """

    @abstractmethod
    def _weights(self, losses: Tensor, *, iteration: int, origin: Origin | None) -> Tensor:
        """Return weights of any mean above 0; written by the author of an option.

        Args:
            losses: Of the anchors that count, at least one of them, shape (G, A).
            iteration: Training steps taken so far.
            origin: Where the anchors come from, None where nobody knows.

        Returns:
            Shape (G, A).
        """


def standardised(losses: Tensor) -> Tensor:
    """Return the losses with mean 0 and standard deviation 1, so that temperatures and levels are alike; any shape."""
    variance, mean = torch.var_mean(losses, correction=0)
    return (losses - mean) * (variance + ROUNDING**2).rsqrt()


def means_by(groups: Tensor, values: Tensor, *, n: int) -> Tensor:
    """Return the mean of the values of each of `n` groups, NaN for one without; `groups` and `values` of one shape."""
    sums = values.new_zeros(n).index_add_(0, groups.flatten(), values.flatten())
    return sums / torch.bincount(groups.flatten(), minlength=n)
