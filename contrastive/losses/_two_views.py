"""Rows of two views against themselves: every pair of rows is compared once, for both of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from compute.memory import at_a_time
from contrastive.losses._blocks import GradientPart, Recipe, default_block, floor

if TYPE_CHECKING:
    from contrastive.losses._log_sum_exp import LogSumExpLoss

FEWEST_ROWS = 1024
"""Rows of a group from which on half of the comparisons saved are worth the smaller products."""
KEPT_ELEMENTS = 2**25
"""Similarities that may be kept for the gradient, 128 MiB in single precision; more are computed again."""
_SMALLEST_STRIP = 48


def triangles(rows: Tensor, recipe: Recipe, *, keep: bool) -> Iterator[Triangle]:
    """Yield triangles of some groups each, which hold all groups once, in order.

    Args:
        rows: Vectors of view 1, then of view 2, shape (G, 2R, D).
        recipe: What turns them into a loss.
        keep: Whether the gradient will be asked for.
    """
    together = max(1, 4 * default_block(rows.device) // rows.shape[1] ** 2)
    for first in range(0, len(rows), together):
        yield Triangle(rows, recipe, place=slice(first, first + together), keep=keep)


class Triangle:
    """The similarities of rows with themselves, in strips of the upper triangle.

    Similarities are symmetric: what lies right of a strip's own square serves
    its rows and, read by columns, the later rows too.

    Args:
        rows: Vectors of view 1, then of view 2, shape (G, 2R, D).
        recipe: What turns them into a loss, of log-sum-exp.
        place: The groups.
        keep: Whether the gradient will be asked for.

    Attributes:
        losses: Of these rows, shape (groups, 2R).
    """

    def __init__(self, rows: Tensor, recipe: Recipe, *, place: slice, keep: bool) -> None:
        rows = rows[place]
        self.place, self._rows, self._similarity = place, rows, recipe.similarity
        self._loss: LogSumExpLoss = recipe.loss  # type: ignore[assignment]
        n = rows.shape[1]
        self._half = n // 2
        room = at_a_time(KEPT_ELEMENTS, "kept similarity", bytes_each=rows.element_size())
        self._kept: list[Tensor] | None = [] if keep and len(rows) * n * n // 2 <= room else None
        self._rivals = rows.new_full(rows.shape[:2], floor(rows.dtype))
        self._positives = rows.new_empty(len(rows), self._half)
        for first, last in self._strips():
            scaled = self._compare(first, last)
            self._count_rivals(scaled, first, last)
            if self._kept is not None:
                self._kept.append(scaled)
        self.losses, self._slopes = self._loss.of_excess(self._rivals - self._positives.repeat(1, 2))

    def gradients(self, weights: Tensor, *, bfloat16: bool) -> Iterator[GradientPart]:
        """Yield the gradient of the weighted losses.

        Args:
            weights: Of these rows, shape (groups, 2R).
            bfloat16: Whether products may be taken in bfloat16.
        """
        half, scale = self._half, self._loss.scale
        slopes = self._slopes * weights * scale
        exponents = slopes.log() - self._rivals  # of a row's share in its log-sum-exp, slope included
        for strip, (first, last) in enumerate(self._strips()):
            scaled = self._compare(first, last) if self._kept is None else self._kept[strip]
            pulls = (scaled + exponents[:, first:last, None]).exp_()
            pulls[:, :, last - first :] += (scaled[:, :, last - first :] + exponents[:, None, last:]).exp_()
            if first < half:
                of_both = slopes[:, first:last] + slopes[:, half + first : half + last]
                pulls.diagonal(half, dim1=1, dim2=2).sub_(of_both)
                scaled.diagonal(half, dim1=1, dim2=2).copy_(self._positives[:, first:last])
            here, right = self._rows[:, first:last], self._rows[:, first:]
            to_here, to_right = self._similarity.back(pulls, scaled, here, right, scale=scale, bfloat16=bfloat16)
            yield GradientPart(0, self.place, slice(first, last), to_here)
            yield GradientPart(0, self.place, slice(first, None), to_right)

    def _compare(self, first: int, last: int) -> Tensor:
        """Return the scaled similarities of rows first..last-1 with themselves and all later rows.

        At the floor is what is no negative: the row itself, its positive, which is noted, its own view where asked.
        """
        here, right, half = self._rows[:, first:last], self._rows[:, first:], self._half
        scaled = self._similarity.between(here, right, scale=self._loss.scale)
        least = floor(scaled.dtype)
        scaled.diagonal(dim1=1, dim2=2).fill_(least)
        if first < half:
            positives = scaled.diagonal(half, dim1=1, dim2=2)
            self._positives[:, first:last] = positives
            positives.fill_(least)
        if self._loss.cross_view_only:
            scaled[:, :, : half - first].fill_(least)
        return scaled

    def _count_rivals(self, scaled: Tensor, first: int, last: int) -> None:
        """Add a strip's negatives to the log-sum-exp of its own rows and of the later ones."""
        own, later = self._rivals[:, first:last], self._rivals[:, last:]
        torch.logaddexp(own, scaled.logsumexp(dim=2), out=own)
        if later.shape[1]:
            torch.logaddexp(later, scaled[:, :, last - first :].logsumexp(dim=1), out=later)

    def _strips(self) -> Iterator[tuple[int, int]]:
        """Yield first and last + 1 row of strips that lie in one view; the last view has none left across views."""
        n, half = self._rows.shape[1], self._half
        height = min(default_block(self._rows.device) // (len(self._rows) * n), max(_SMALLEST_STRIP, n // 8))
        height = -(-half // -(-half // max(1, height)))  # strips of nearly equal height
        for begin in (0,) if self._loss.cross_view_only else (0, half):
            for first in range(begin, begin + half, height):
                yield first, min(first + height, begin + half)
