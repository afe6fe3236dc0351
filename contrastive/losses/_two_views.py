"""A log-sum-exp loss over the rows of two views: every pair of rows is compared once, for both of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from compute.memory import at_a_time
from compute.products import fast_products
from contrastive.losses._blocks import floor
from contrastive.similarities._base import Similarity
from contrastive.weightings._base import AnchorWeights

if TYPE_CHECKING:
    from contrastive.losses._log_sum_exp import LogSumExpLoss

FEWEST_ROWS = 1024
"""Rows of a group from which on half of the comparisons saved are worth the smaller products."""
KEPT_ELEMENTS = 2**25
"""Similarities that may be kept for the gradient, 128 MiB in single precision; more are computed again."""
_SMALLEST_STRIP = 48


class TwoViewRecipe(NamedTuple):
    """What turns vectors into a loss."""

    loss: LogSumExpLoss
    similarity: Similarity
    weighting: AnchorWeights | None
    block_elements: int


class TwoViewLoss(torch.autograd.Function):
    """Mean over rows of the weighted losses, with the gradient at hand after the forward pass."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, recipe: TwoViewRecipe) -> Tensor:
        """Return the loss.

        Args:
            ctx: Keeps the gradient.
            rows: Vectors of view 1, then of view 2, shape (G, 2R, D).
            recipe: What turns them into a loss.
        """
        bfloat16 = torch.is_autocast_enabled(rows.device.type)
        wanted = ctx.needs_input_grad[0]
        gradient = torch.zeros_like(rows) if wanted else None
        with torch.autocast(rows.device.type, enabled=False), fast_products(rows.device):
            weights = _weights(rows, recipe) / rows.shape[:2].numel()
            total = rows.new_zeros(())
            for groups in _parts(rows, recipe):
                triangle = Triangle(rows[groups], recipe, keep=wanted)
                losses, slopes = recipe.loss.of_excess(triangle.excess)
                total += (losses * weights[groups]).sum()
                if gradient is not None:
                    triangle.add_gradient_(
                        gradient[groups], slopes * weights[groups] * recipe.loss.scale, bfloat16=bfloat16
                    )
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        """Return the gradient to the rows."""
        (gradient,) = ctx.saved_tensors
        return gradient * slope, None


class Triangle:
    """The similarities of rows with themselves, in strips of the upper triangle.

    Similarities are symmetric: what lies right of a strip's own square serves
    its rows and, read by columns, the later rows too.

    Args:
        rows: Shape (G, 2R, D).
        recipe: How rows are compared.
        keep: Whether the gradient will be asked for.

    Attributes:
        excess: Log-sum-exp of each row's negatives less its positive, shape (G, 2R).
    """

    def __init__(self, rows: Tensor, recipe: TwoViewRecipe, *, keep: bool) -> None:
        self._rows, self._recipe = rows, recipe
        self._half = rows.shape[1] // 2
        n = rows.shape[1]
        room = at_a_time(KEPT_ELEMENTS, "kept similarity", bytes_each=rows.element_size())
        self._kept: list[Tensor] | None = [] if keep and len(rows) * n * n // 2 <= room else None
        self._rivals = rows.new_full(rows.shape[:2], floor(rows.dtype))
        self._positives = rows.new_empty(len(rows), self._half)
        for first, last in self._strips():
            scaled = self._compare(first, last)
            if first < self._half:
                self._positives[:, first:last] = scaled.diagonal(self._half, dim1=1, dim2=2)
            self._leave_out_(scaled, first)
            self._count_rivals(scaled, first, last)
            if self._kept is not None:
                self._kept.append(scaled)
        self.excess = self._rivals - self._positives.repeat(1, 2)

    def add_gradient_(self, gradient: Tensor, slopes: Tensor, *, bfloat16: bool) -> None:
        """Add the gradient to the rows, in place.

        Args:
            gradient: Shape (G, 2R, D).
            slopes: Derivative of the loss by each row's excess, times the scale, shape (G, 2R).
            bfloat16: Whether products may be taken in bfloat16.
        """
        recipe, half = self._recipe, self._half
        exponents = slopes.log() - self._rivals  # of a row's share in its log-sum-exp, slope included
        for place, (first, last) in enumerate(self._strips()):
            if self._kept is None:
                scaled = self._compare(first, last)
                self._leave_out_(scaled, first)
            else:
                scaled = self._kept[place]
            pulls = (scaled + exponents[:, first:last, None]).exp_()
            pulls[:, :, last - first :] += (scaled[:, :, last - first :] + exponents[:, None, last:]).exp_()
            if first < half:
                of_both = slopes[:, first:last] + slopes[:, half + first : half + last]
                pulls.diagonal(half, dim1=1, dim2=2).sub_(of_both)
                scaled.diagonal(half, dim1=1, dim2=2).copy_(self._positives[:, first:last])
            here, right = self._rows[:, first:last], self._rows[:, first:]
            to_here, to_right = recipe.similarity.back(
                pulls, scaled, here, right, scale=recipe.loss.scale, bfloat16=bfloat16
            )
            gradient[:, first:last] += to_here
            gradient[:, first:] += to_right

    def _compare(self, first: int, last: int) -> Tensor:
        """Return the scaled similarities of rows first..last-1 with themselves and all later rows."""
        here, right = self._rows[:, first:last], self._rows[:, first:]
        return self._recipe.similarity.between(here, right, scale=self._recipe.loss.scale)

    def _leave_out_(self, scaled: Tensor, first: int) -> None:
        """Put at the floor, in place, what is no negative: the row itself, its positive, its own view where asked."""
        least = floor(scaled.dtype)
        scaled.diagonal(dim1=1, dim2=2).fill_(least)
        if first < self._half:
            scaled.diagonal(self._half, dim1=1, dim2=2).fill_(least)
        if self._recipe.loss.cross_view_only:
            scaled[:, :, : self._half - first].fill_(least)

    def _count_rivals(self, scaled: Tensor, first: int, last: int) -> None:
        """Add a strip's negatives to the log-sum-exp of its own rows and of the later ones."""
        own, later = self._rivals[:, first:last], self._rivals[:, last:]
        torch.logaddexp(own, scaled.logsumexp(dim=2), out=own)
        if later.shape[1]:
            torch.logaddexp(later, scaled[:, :, last - first :].logsumexp(dim=1), out=later)

    def _strips(self) -> Iterator[tuple[int, int]]:
        """Yield first and last + 1 row of strips that lie in one view; the last view has none left across views."""
        n, half = self._rows.shape[1], self._half
        height = min(self._recipe.block_elements // (len(self._rows) * n), max(_SMALLEST_STRIP, n // 8))
        height = -(-half // -(-half // max(1, height)))  # strips of nearly equal height
        for begin in (0,) if self._recipe.loss.cross_view_only else (0, half):
            for first in range(begin, begin + half, height):
                yield first, min(first + height, begin + half)


def _parts(rows: Tensor, recipe: TwoViewRecipe) -> Iterator[slice]:
    """Yield groups that are computed together."""
    n = rows.shape[1]
    together = max(1, 4 * recipe.block_elements // n**2)
    for first in range(0, len(rows), together):
        yield slice(first, first + together)


def _weights(rows: Tensor, recipe: TwoViewRecipe) -> Tensor:
    """Return how much every row counts, mean 1, shape (G, 2R)."""
    if recipe.weighting is None:
        return rows.new_ones(()).expand(rows.shape[:2])
    losses = [
        recipe.loss.of_excess(Triangle(rows[groups], recipe, keep=False).excess)[0] for groups in _parts(rows, recipe)
    ]
    everyone = torch.ones(rows.shape[1], dtype=torch.bool, device=rows.device)
    return recipe.weighting(torch.cat(losses), counts=everyone)
