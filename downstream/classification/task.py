"""A classification task: one window per case, and its label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from downstream.task import Task
from downstream.windows import Windows


class LabelledWindows(NamedTuple):
    """Cases and their class numbers: `windows`, and `labels` int64 (n,)."""

    windows: Windows
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ClassificationTask(Task):
    """Training cases with labels; the test cases are sealed.

    Args:
        windows: One per training case, scaled; shorter cases end in NaN rows.
        labels: Class number of each training case, int64 (n,).
        classes: Class names by number.
    """

    windows: Windows
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def training_windows(self, *, limit: int = 20_000) -> Windows:
        """Return the training cases that have a value; evenly thinned above `limit`."""
        kept = np.flatnonzero(self.windows.observed())
        return self.windows.subset(kept[:: max(1, -(-len(kept) // max(limit, 1)))])

    def open_test(self) -> LabelledWindows:
        """Return test cases (padded to their own longest) and labels; once.

        Raises:
            DataError: If the task has no test part.
            RuntimeError: On the second call.
        """
        part: LabelledWindows = self.sealed.open(self.spec.name)
        return part

    def stand_in(self, sizes: tuple[int, ...]) -> LabelledWindows:
        """Return the training cases, repeated to the number of test cases; see `Task`."""
        index = np.arange(sizes[0]) % len(self.labels)
        return LabelledWindows(self.windows.subset(index), self.labels[index])

    def known_of(self, windows: Windows) -> tuple[str, list[str]]:
        """Return the class of each of some training windows."""
        case_at = {int(start): case for case, start in enumerate(self.windows.starts)}
        return "class", [self.classes[self.labels[case_at[int(start)]]] for start in windows.starts]
