"""A recurrence over the two-dimensional grid of periods and places within a period."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from encoders.linear import Linear
from encoders.operators._operator import GraphLengths, Operator
from encoders.operators._recurrence import soft_sign, start_uniform, steps_first, streams_first
from search_space.registry import register

PERIOD = 16
"""Steps in a row of the grid."""


@register(
    "operator",
    "witran",
    causal=True,
    source="WITRAN, Jia et al. 2023, NeurIPS 36, section 3 (gated selective cell, recurrent acceleration network)",
)
class Witran(Operator):
    """Fold the series into rows of 16 steps and run one recurrent cell along rows and columns at once.

    The cell reads x and two states, the horizontal one of the step before in its
    row and the vertical one of the same place a row earlier, and updates each:
    tanh((1 - u) state + u tanh(candidate)) * o, with gates u and o of its own.
    Both are zero where nothing comes before, and a linear map of both is the
    output. Cells of one anti-diagonal do not wait for each other and are
    computed together: about time / 16 + 16 stages instead of `time`.

    Deliberate differences: the period is 16 steps for every series (a choice of
    the number of rows would make the grid depend on padding); the last row may
    be incomplete; one layer; the first row's vertical state is zero, where the
    public code hands it the last row's; no time-stamp features.
    """

    graph: ClassVar[GraphLengths] = "one"

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        # Reads both states and the input. Sigmoids: update and output gate of the row, then of the
        # column; candidates of row and column.
        self.gates = Linear(3 * hidden, 6 * hidden)
        self.merge = Linear(2 * hidden, hidden)
        start_uniform(self, hidden=hidden)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Run over the grid; (batch, streams, time, hidden)."""
        time = x.shape[2]
        columns = min(PERIOD, time)
        rows = -(-time // columns)
        steps = steps_first(F.pad(x, (0, 0, 0, rows * columns - time)))
        diagonals = _diagonals(rows, columns)
        order = torch.cat([_places(active, diagonal, columns) for diagonal, active in enumerate(diagonals)])
        order = order.to(x.device)
        results = self.merge(torch.cat(self._run(steps[order], diagonals)))  # (cells, batch * streams, hidden)
        return streams_first(results[order.argsort()[:time]], like=x)

    def _run(self, cells: Tensor, diagonals: list[range]) -> list[Tensor]:
        # (cells, batch * streams, hidden) -> per diagonal, both states; (active, batch * streams, 2 * hidden)
        hidden = self.hidden
        horizontal = vertical = nothing = cells.new_zeros(1, *cells.shape[1:])
        results = []
        for active, following, x in zip(
            diagonals, [*diagonals[1:], range(0)], torch.split(cells, [len(rows) for rows in diagonals]), strict=True
        ):
            read: Tensor = self.gates(torch.cat([horizontal, vertical, x], dim=-1))
            opened, candidates = torch.split(read, [4 * hidden, 2 * hidden], dim=-1)
            update_row, out_row, update_column, out_column = torch.sigmoid(opened).chunk(4, dim=-1)
            row, column = soft_sign(candidates).chunk(2, dim=-1)
            horizontal = soft_sign(torch.lerp(horizontal, row, update_row)) * out_row
            vertical = soft_sign(torch.lerp(vertical, column, update_column)) * out_column
            results.append(torch.cat([horizontal, vertical], dim=-1))
            horizontal, vertical = _hand_on(horizontal, vertical, active, following, nothing)
        return results


def _diagonals(rows: int, columns: int) -> list[range]:
    """Return, for each anti-diagonal of the grid, the rows that it crosses."""
    return [range(max(0, place - columns + 1), min(rows, place + 1)) for place in range(rows + columns - 1)]


def _places(active: range, diagonal: int, columns: int) -> Tensor:
    # Row r is at column `diagonal - r`.
    return torch.tensor([row * columns + diagonal - row for row in active])


def _hand_on(
    horizontal: Tensor, vertical: Tensor, active: range, following: range, nothing: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the states that the next diagonal's rows start from: their own row's and the row above's."""
    if not following:
        return horizontal, vertical
    ended = following.start - active.start  # 1 where the top row has reached its last column
    horizontal = horizontal[ended:]
    if following.stop > active.stop:
        horizontal = torch.cat([horizontal, nothing])
    else:
        vertical = vertical[: len(vertical) - 1]  # nothing lies below the last row
    if not ended:
        vertical = torch.cat([nothing, vertical])
    return horizontal, vertical
