"""A forecasting task: series in scaled form, and origins to forecast from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from downstream.task import Task
from downstream.windows import Windows, spread_starts
from search_space.genotype.rules import WINDOWS

Part = Literal["train", "validation", "test"]
_PARTS: tuple[Part, ...] = ("train", "validation", "test")

LOOKBACKS = tuple(window for window in WINDOWS if window)
"""Windows to choose from, in steps, ascending."""
ROWS_PER_STEP = 8
"""Training rows for each step of a window that is chosen, so that there are windows to learn from."""


class Origins(NamedTuple):
    """Where forecasts start: the last observed row `step` of series number `series`, both int64 (n,)."""

    series: NDArray[np.int64]
    step: NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ForecastingTask(Task):
    """Series scaled by their training rows, cut in time into train, validation and (sealed) test.

    Args:
        series: Rows up to the end of validation (of test, after `open_test`);
            NaN is missing; float32 (time, n_targets + covariates) each.
        bounds: `(train_end, validation_end)` per series, in rows.
        n_targets: How many leading columns are forecast.
        origin_delay: 0: the first validation or test origin is the row before the
            part. 1: it is the part's first row, as TS2Vec's protocol has it.
        test_opened: Whether `series` reaches into the test part.
        window_open: Whether a candidate may look back another number of steps than the task says: nobody named
            one, and the protocol knows none.
    """

    series: tuple[NDArray[np.float32], ...]
    bounds: tuple[tuple[int, int], ...]
    n_targets: int
    origin_delay: int = 0
    test_opened: bool = False
    window_open: bool = False

    @property
    def question(self) -> dict[str, Any]:
        """The horizons, and how many of the columns are targets."""
        return {"horizons": self.spec.horizons, "known_targets": self.n_targets}

    @cached_property
    def period(self) -> int:
        """Steps of a season of the training rows, 1 where there is none; see `find_period`."""
        from downstream.forecasting.periods import find_period  # which fills gaps as rows of tasks are filled

        return find_period(
            [values[:end, : self.n_targets] for values, (end, _) in zip(self.series, self.bounds, strict=True)]
        )

    @property
    def lookbacks(self) -> tuple[int, ...]:
        """The windows that a candidate may have: 0, the task's own, and others that the training rows have room for."""
        if not self.window_open:
            return super().lookbacks
        shortest = min(end for end, _ in self.bounds)
        most = min(shortest // ROWS_PER_STEP, shortest - 2 * max(self.spec.horizons))
        return (0, *(window for window in LOOKBACKS if window <= most and window != self.spec.window))

    def with_window(self, steps: int) -> Self:
        """Return the task whose encoder looks back so many steps; origins of validation and test are the same.

        Raises:
            ValueError: If some series has not the training rows for that.
        """
        if steps in (0, self.spec.window):
            return self
        shortest, longest = min(end for end, _ in self.bounds), max(self.spec.horizons)
        if steps < 1 or steps + longest > shortest:
            raise ValueError(f"window must be in 1..{shortest - longest} for these training rows, got {steps}")
        protocol = f"{self.spec.protocol}; this encoder looks back {steps}"
        return dataclasses.replace(self, spec=dataclasses.replace(self.spec, window=steps, protocol=protocol))

    def origins(self, part: Part, horizon: int, stride: int = 1) -> Origins:
        """Return every `stride`-th row to forecast from.

        All targets (rows t+1..t+horizon) lie in the part; the window (rows
        t-window+1..t) is complete and may reach back into earlier parts.

        Raises:
            ValueError: For an unknown part, or for `test` before `open_test`.
        """
        if part not in _PARTS:
            raise ValueError(f"part must be one of {', '.join(_PARTS)}, got {part!r}")
        if part == "test" and not self.test_opened:
            raise ValueError("part 'test' exists only in the task that open_test() returns")
        if horizon < 1 or stride < 1:
            raise ValueError(f"horizon and stride must be at least 1, got {horizon} and {stride}")
        numbers, steps = [], []
        for number, (values, bounds) in enumerate(zip(self.series, self.bounds, strict=True)):
            edges = (0, *bounds, len(values))
            which = _PARTS.index(part)
            first = max(self.spec.window - 1, edges[which] - 1 + self.origin_delay)
            step = np.arange(first, edges[which + 1] - horizon, stride, dtype=np.int64)
            steps.append(step)
            numbers.append(np.full(len(step), number, dtype=np.int64))
        return Origins(np.concatenate(numbers), np.concatenate(steps))

    def windows_at(self, origins: Origins) -> Windows:
        """Return the window of `spec.window` rows that ends at each origin, all columns."""
        return self._ending_at(origins, length=self.spec.window)

    def lags_at(self, origins: Origins) -> Windows:
        """Return the last `spec.raw_lags` rows at each origin; rows before the first of a series are NaN."""
        return self._ending_at(origins, length=self.spec.raw_lags)

    def targets_at(self, origins: Origins, horizon: int) -> NDArray[np.float32]:
        """Return the rows after each origin, float32 (n, horizon, n_targets); NaN where missing."""
        values, first = self.packed_targets(origins)
        ends = np.asarray([len(rows) for rows in self.series], dtype=np.int64)
        if len(origins.step) and bool(np.any(origins.step + horizon >= ends[origins.series])):
            raise ValueError(f"targets of horizon {horizon} leave the series for some of these origins")
        return values[first[:, None] + np.arange(horizon)]

    def packed_targets(self, origins: Origins) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the targets of all series in one array, and where those of each origin begin.

        Returns:
            Values, NaN where missing and between series, float32 (rows, n_targets); the row after each origin, (n,).
        """
        values, firsts = self._packed
        return values[:, : self.n_targets], firsts[origins.series] + origins.step + 1

    def training_windows(self, *, limit: int = 20_000) -> Windows:
        """Return windows of training rows, at most about `limit`, none without an observed target.

        With a `training_cut` the windows are that long and stand side by side.
        """
        values, firsts = self._packed
        spans = [(int(first), int(first) + end) for first, (end, _) in zip(firsts, self.bounds, strict=True)]
        length = self.training_cut or self.spec.window
        if self.training_cut is None:
            starts = spread_starts(spans, length=length, limit=limit)
        else:
            starts = np.concatenate([np.arange(first, end - length + 1, length) for first, end in spans])
        seen = Windows(values[:, : self.n_targets], starts, length).observed()
        return Windows(values, starts[seen], length)

    def open_test(self) -> ForecastingTask:
        """Return the task whose series reach to the end and which knows the part `test`; once."""
        tails: tuple[NDArray[np.float32], ...] = self.sealed.open(self.spec.name)
        series = tuple(np.concatenate([head, tail]) for head, tail in zip(self.series, tails, strict=True))
        return dataclasses.replace(self, series=series, test_opened=True)

    def _ending_at(self, origins: Origins, *, length: int) -> Windows:
        values, firsts = self._packed
        return Windows(values, firsts[origins.series] + origins.step - length + 1, length)

    @cached_property
    def _packed(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """All series in one array, each behind enough NaN rows for the longest lookback; its first rows."""
        pad = max(self.spec.window, self.spec.raw_lags)
        gap = np.full((pad, self.n_variates), np.nan, dtype=np.float32)
        lengths = np.asarray([len(values) for values in self.series], dtype=np.int64)
        firsts = np.cumsum(lengths + pad) - lengths
        return np.concatenate([block for values in self.series for block in (gap, values)]), firsts
