"""A task about whole cases: one window per case, and its label."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from downstream.task import Task
from downstream.windows import Windows


class LabelledWindows(NamedTuple):
    """Cases and what is asked of them: `windows`, and `labels` (n,)."""

    windows: Windows
    labels: NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CaseTask(Task):
    """Training cases with labels; the test cases are sealed.

    Args:
        windows: One per training case, scaled; shorter cases end in NaN rows.
        labels: Of each training case, (n,).
        folds: Those of validation where they were given, the fold of each training case for every repeat, (n,); empty
            where they are drawn.
    """

    windows: Windows
    labels: NDArray[Any]
    folds: tuple[NDArray[np.int64], ...] = ()

    def training_windows(self, *, limit: int = 20_000) -> Windows:
        """Return the training cases that have a value; evenly thinned above `limit`."""
        kept = np.flatnonzero(self.windows.observed())
        return self.windows.subset(kept[:: max(1, -(-len(kept) // max(limit, 1)))])

    def open_test(self) -> LabelledWindows:
        """Return test cases (padded to their own longest) and labels; once."""
        part: LabelledWindows = self.sealed.open(self.spec.name)
        return part

    def labels_of(self, windows: Windows) -> NDArray[Any]:
        """Return the labels of some training windows, (n,)."""
        case_at = {int(start): case for case, start in enumerate(self.windows.starts)}
        return self.labels[[case_at[int(start)] for start in windows.starts]]

    def protocol_facts(self, opened: LabelledWindows) -> dict[str, str | int | float]:
        """Return the facts that belong beside every figure of this task."""
        return {
            "dataset": self.spec.name,
            "protocol": self.spec.protocol,
            "window": self.spec.window,
            "n_train": self.windows.n,
            "n_windows": opened.windows.n,
            "scaler_rows": self.scaler.n_rows_seen,
        }
