"""Rows for TS2Vec's protocol: features of origins, and targets read block by block out of the series.

Targets of all steps side by side would take gigabytes; a block of them is a view of the series.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from downstream.forecasting.rows import part_ends
from downstream.forecasting.task import ForecastingTask, Origins, Part
from downstream.forecasting.ts2vec.lagged_sums import lagged_moments
from downstream.probes.ridge import Moments

# 128 rows of 720 steps of 7 variates stay in the cache; fewer rows would make poor products.
BLOCK_NUMBERS = 128 * 720 * 7
LEAST_ROWS = 128


@dataclass(frozen=True)
class PartRows:
    """Rows of one part of a task.

    Args:
        x: Features, float64 (n, d).
        values: Targets of all series, one row under the other, float64 (rows, n_targets).
        first: Row of the first target in `values`, (n,).
        reach: Index of the longest horizon whose targets a row has, -1 for none, (n,).
        horizons: Forecast lengths, ascending.
    """

    x: Tensor
    values: Tensor
    first: Tensor
    reach: Tensor
    horizons: tuple[int, ...]

    @classmethod
    def of(
        cls, task: ForecastingTask, part: Part, origins: Origins, x: Tensor, *, horizons: Sequence[int], complete: bool
    ) -> PartRows:
        """Gather rows; `complete` says that a row serves no horizon in which it misses a target."""
        values, first = task.packed_targets(origins)
        room: NDArray[np.int64] = part_ends(task, part)[origins.series] - 1 - origins.step
        if complete:
            room = np.minimum(room, _next_missing(values)[first] - first)
        reach = np.searchsorted(np.asarray(horizons), room, side="right") - 1
        return cls(x, torch.as_tensor(values).double(), torch.as_tensor(first), torch.as_tensor(reach), tuple(horizons))

    def blocks(self, index: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield features (n, d) and targets (n, horizon * n_targets), both copies, of the rows that reach a horizon."""
        rows = torch.nonzero(self.reach >= index)[:, 0]
        if len(rows) == 0:
            return
        n_targets = self.values.shape[1]
        width = self.horizons[index] * n_targets
        runs = self.values.reshape(-1).unfold(0, width, n_targets)
        for some in torch.split(rows, max(LEAST_ROWS, BLOCK_NUMBERS // width)):
            yield self.x[some], runs[self.first[some]]

    def sums(self) -> list[Moments | None]:
        """Return the sums of the rows of each horizon; None without a row.

        A row enters once, with its longest horizon: the sums of a shorter one hold those of the longer.
        """
        sums: list[Moments | None] = []
        total: Moments | None = None
        for index in reversed(range(len(self.horizons))):
            horizon = self.horizons[index]
            total = None if total is None else total.first_targets(horizon * self.values.shape[1])
            rows = torch.nonzero(self.reach == index)[:, 0]
            if len(rows):
                added = lagged_moments(self.x[rows], self.first[rows], self.values, lags=horizon)
                total = added if total is None else total + added
            sums.insert(0, total)
        return sums


def _next_missing(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return, for each row, the first row from there on with a missing value; the number of rows if there is none."""
    rows = np.where(np.isnan(values).any(axis=1), np.arange(len(values)), len(values))
    return np.minimum.accumulate(rows[::-1])[::-1]
