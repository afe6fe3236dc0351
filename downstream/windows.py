"""Windows: many cuts of equal length from one long array, stored once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Windows:
    """`n` windows of `length` steps cut from `values`; nothing is copied before `gather`.

    The series of a panel stand one after the other in `values`; whoever sets
    `starts` keeps windows from crossing a border. NaN means missing.

    Args:
        values: The steps of all series, float32 (steps, variates).
        starts: First row of each window, int64 (n,).
        length: Steps per window, at least 1.

    Raises:
        ValueError: If the shapes do not fit or a window leaves the array.
    """

    values: NDArray[np.float32]
    starts: NDArray[np.int64]
    length: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.ascontiguousarray(self.values, dtype=np.float32))
        object.__setattr__(self, "starts", np.ascontiguousarray(self.starts, dtype=np.int64))
        if self.values.ndim != 2:
            raise ValueError(f"Windows.values must be (steps, variates), got shape {self.values.shape}")
        if self.starts.ndim != 1:
            raise ValueError(f"Windows.starts must be (n,), got shape {self.starts.shape}")
        if self.length < 1:
            raise ValueError(f"Windows.length must be at least 1, got {self.length}")
        steps = len(self.values)
        if self.n and (int(self.starts.min()) < 0 or int(self.starts.max()) + self.length > steps):
            raise ValueError(
                f"Windows.starts must lie in 0..{steps - self.length} ({steps} steps, length {self.length}), "
                f"got {int(self.starts.min())}..{int(self.starts.max())}"
            )

    @property
    def n(self) -> int:
        """The number of windows."""
        return len(self.starts)

    @property
    def n_variates(self) -> int:
        """The number of variates of every window."""
        return int(self.values.shape[1])

    def __len__(self) -> int:
        return self.n

    def gather(self, index: NDArray[np.int64] | Sequence[int] | slice | None = None) -> NDArray[np.float32]:
        """Return the chosen windows (all by default) as a new array.

        Args:
            index: Which windows, in this order; numbers may repeat, (m,).

        Returns:
            The values, float32 (m, length, variates).
        """
        rows = self._chosen(index)[:, None] + np.arange(self.length)
        return self.values[rows]

    def subset(self, index: NDArray[np.int64] | Sequence[int] | slice) -> Windows:
        """Return the chosen windows over the same values."""
        return Windows(self.values, self._chosen(index), self.length)

    def observed(self) -> NDArray[np.bool_]:
        """Tell for each window whether it has at least one value that is not missing, (n,)."""
        seen = ~np.isnan(self.values).all(axis=1)
        count = np.concatenate([[0], np.cumsum(seen)])
        return np.asarray(count[self.starts + self.length] > count[self.starts])

    def _chosen(self, index: NDArray[np.int64] | Sequence[int] | slice | None) -> NDArray[np.int64]:
        return self.starts[slice(None) if index is None else index]


def whole_window(values: NDArray[np.float32]) -> Windows:
    """Return one window that is all of a series, (time, variates)."""
    return Windows(values, np.zeros(1, dtype=np.int64), len(values))


def spread_starts(spans: Sequence[tuple[int, int]], *, length: int, limit: int) -> NDArray[np.int64]:
    """Return starts of windows inside the spans, as dense as `limit` allows.

    Args:
        spans: Half-open row ranges `[first, end)` that no window may leave.
        length: Steps per window.
        limit: The most starts to return (one per span is always kept).

    Returns:
        Starts with one stride for all spans, int64 (n,).
    """
    rooms = [max(end - first - length + 1, 0) for first, end in spans]
    stride = max(1, -(-sum(rooms) // max(limit, 1)))
    starts = [first + np.arange(0, room, stride) for (first, _), room in zip(spans, rooms, strict=True)]
    return np.concatenate(starts).astype(np.int64) if starts else np.empty(0, dtype=np.int64)
