"""An anomaly task: rows to learn what is normal, labelled rows to judge by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from downstream.task import Task
from downstream.windows import Windows, spread_starts


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Consecutive rows to be scored, with the rows before them as context.

    Args:
        values: Context rows, then the scored rows; scaled; float32 (context + n, variates).
        labels: 1 where a scored row is anomalous, int8 (n,); None where unknown.
        context: How many leading rows are context only.
        name: The series they come from.
        planted: Whether the anomalies were planted by us.
    """

    values: NDArray[np.float32]
    labels: NDArray[np.int8] | None
    context: int
    name: str
    planted: bool = False

    @property
    def n(self) -> int:
        """The number of scored rows."""
        return len(self.values) - self.context

    def part(self, span: slice) -> LabelledRows:
        """Return some of the scored rows; those before them are context."""
        labels = None if self.labels is None else self.labels[span]
        return replace(
            self, values=self.values[: self.context + span.stop], labels=labels, context=self.context + span.start
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AnomalyTask(Task):
    """Training rows of one or more series; labelled validation rows; test rows sealed.

    Args:
        series: All training rows, scaled; float32 (time, variates) each.
        names: One name per series.
        labels: Labels of the training rows, int8 (time,) each; None where unknown.
        bounds: Per series: rows before it train the encoder, rows from it on validate
            (the end of the series where validation rows come from elsewhere).
        validation: Labelled rows to choose by; never test rows of a task that has a test.
    """

    series: tuple[NDArray[np.float32], ...]
    names: tuple[str, ...]
    labels: tuple[NDArray[np.int8], ...] | None
    bounds: tuple[int, ...]
    validation: tuple[LabelledRows, ...]

    def number_of(self, name: str) -> int:
        """Return the place of a series among the training series.

        Raises:
            ValueError: If the task has no such series.
        """
        if name not in self.names:
            raise ValueError(f"series must be one of {list(self.names)}, got {name!r}")
        return self.names.index(name)

    def training_windows(self, *, limit: int = 20_000) -> Windows:
        """Return windows of rows before `bounds`, at most about `limit`, none of them entirely missing."""
        firsts = np.cumsum([0] + [len(values) for values in self.series[:-1]])
        spans = [(int(first), int(first) + bound) for first, bound in zip(firsts, self.bounds, strict=True)]
        starts = spread_starts(spans, length=self.spec.window, limit=limit)
        windows = Windows(np.concatenate(self.series), starts, self.spec.window)
        return windows.subset(np.flatnonzero(windows.observed()))

    def open_test(self) -> tuple[LabelledRows, ...]:
        """Return the test rows of every series, with labels where known; once."""
        part: tuple[LabelledRows, ...] = self.sealed.open(self.spec.name)
        return part
