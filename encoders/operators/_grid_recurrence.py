"""A recurrent cell along rows and columns of a grid of steps at once: what WITRAN and its relatives share.

A state that a direction carries from cell to cell has any shape; its first two axes are (cells, batch * streams).
"""

from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.linear import Linear
from encoders.operators._operator import GraphLengths, Operator
from encoders.operators._recurrence import soft_sign, start_uniform, steps_first, streams_first

PERIOD = 16
"""Steps in a row of the grid."""


class Gated(NamedTuple):
    """What the gates of one direction let through in some cells; (cells, batch * streams, hidden) each.

    Args:
        update: How much of the candidate enters, between 0 and 1.
        candidate: Between -1 and 1.
        out: How much of the state is let out, between 0 and 1.
    """

    update: Tensor
    candidate: Tensor
    out: Tensor

    def state(self, before: Tensor, *, beside: Tensor | None = None) -> Tensor:
        """Return tanh((1 - update) before + update candidate + beside) * out."""
        trend = torch.lerp(before, self.candidate, self.update)
        return soft_sign(trend if beside is None else trend + beside) * self.out


class GridRecurrence(Operator):
    """Fold the series into rows of 16 steps and run one recurrent cell along rows and columns at once.

    A linear map of the states of both directions is the output. Cells of one
    anti-diagonal do not wait for each other and are computed together: about
    time / 16 + 16 stages instead of `time`. Authors write `_map` and, where a
    direction carries more than its state, `_carried`, `_step` and `_state`.
    """

    graph: ClassVar[GraphLengths] = "one"

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        # Reads both states and the input. Sigmoids: update and output gate of the row, then of the
        # column; candidates of row and column.
        self.gates = self._map()
        self.merge = Linear(2 * hidden, hidden)
        self._start()

    def _map(self) -> nn.Module:
        """Return what the gates are computed with: (..., 3 * hidden) to (..., 6 * hidden), or more for `_step`."""
        return Linear(3 * self.hidden, 6 * self.hidden)

    def _start(self) -> None:
        """Draw the weights."""
        start_uniform(self, hidden=self.hidden)

    def _carried(self, cells: Tensor) -> Tensor:
        """Return what a direction carries where nothing comes before, for one cell; (1, batch * streams, ...)."""
        return cells.new_zeros(1, *cells.shape[1:])

    def _state(self, carried: Tensor) -> Tensor:
        """Return the state in what a direction carries; (cells, batch * streams, hidden)."""
        return carried

    def _step(self, across: Tensor, down: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what both directions carry behind some cells.

        Args:
            across: From the cells to the left.
            down: From the cells above.
            x: Input; (cells, batch * streams, hidden).
        """
        row, column = self._gated(self.gates(torch.cat([across, down, x], dim=-1)))
        return row.state(across), column.state(down)

    def _gated(self, read: Tensor) -> tuple[Gated, Gated]:
        """Return what the gates let through in the row and in the column, from what they read (..., 6 * hidden)."""
        opened, candidates = torch.split(read, [4 * self.hidden, 2 * self.hidden], dim=-1)
        update_row, out_row, update_column, out_column = torch.sigmoid(opened).chunk(4, dim=-1)
        row, column = soft_sign(candidates).chunk(2, dim=-1)
        return Gated(update_row, row, out_row), Gated(update_column, column, out_column)

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
        across = down = nothing = self._carried(cells)
        results = []
        parts = torch.split(cells, [len(rows) for rows in diagonals])
        for active, following, x in zip(diagonals, [*diagonals[1:], range(0)], parts, strict=True):
            across, down = self._step(across, down, x)
            results.append(torch.cat([self._state(across), self._state(down)], dim=-1))
            across, down = _hand_on(across, down, active, following, nothing)
        return results


def _diagonals(rows: int, columns: int) -> list[range]:
    """Return, for each anti-diagonal of the grid, the rows that it crosses."""
    return [range(max(0, place - columns + 1), min(rows, place + 1)) for place in range(rows + columns - 1)]


def _places(active: range, diagonal: int, columns: int) -> Tensor:
    # Row r is at column `diagonal - r`.
    return torch.tensor([row * columns + diagonal - row for row in active])


def _hand_on(across: Tensor, down: Tensor, active: range, following: range, nothing: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the next diagonal's rows start from: their own row's and the row above's."""
    if not following:
        return across, down
    ended = following.start - active.start  # 1 where the top row has reached its last column
    across = across[ended:]
    if following.stop > active.stop:
        across = torch.cat([across, nothing])
    else:
        down = down[: len(down) - 1]  # nothing lies below the last row
    if not ended:
        down = torch.cat([nothing, down])
    return across, down
