"""From windows to steps: which windows of a series are scored, and what their scores say of its steps."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Places = NDArray[np.int64]

MAX_WINDOWS = 6000
"""Windows of a series above which not every one is scored."""
_FEWEST_PER_WINDOW = 16  # windows that cover a step are never thinned to fewer


def window_ends(n_steps: int, *, window: int, first: int = 0) -> Places:
    """Return the last steps of the windows that are scored, ascending, the last step of the series among them.

    Every window lies inside the series (one that is shorter than a window is one). The grid is tied to the end of
    the series, whatever is asked of it, so a step has one score. It is as dense as `MAX_WINDOWS` allows, with at
    least 16 windows over a step of a window of 16 steps or more.

    Args:
        n_steps: Of the series, at least 1.
        window: Steps per window.
        first: The first step that is asked about.

    Returns:
        Shape (n,).
    """
    stride = int(np.clip(n_steps // MAX_WINDOWS, 1, max(1, window // _FEWEST_PER_WINDOW)))
    begin = min(window, n_steps) - 1
    ends = np.union1d(np.arange(n_steps - 1, begin - 1, -stride), [begin])
    return np.asarray(ends[np.searchsorted(ends, first) :], dtype=np.int64)


def thinned_ends(n_steps: int, *, window: int, limit: int) -> Places:
    """Return at most `limit` last steps of windows, spread evenly over a series, (n,)."""
    begin = min(window, n_steps) - 1
    return np.arange(begin, n_steps, max(1, -(-(n_steps - begin) // limit)), dtype=np.int64)


def over_steps(scores: Floats, ends: Places, *, window: int, steps: slice) -> NDArray[np.float64]:
    """Return the mean score of the windows that cover each step; of a step in a gap, the score of the next window.

    A window says that something in it is strange, not where; the steps that all strange windows share stand out.
    So a step is known by windows that end up to `window - 1` steps after it: this looks ahead.

    Args:
        scores: Of windows, or of windows and variates, (n,) or (n, variates).
        ends: Their last steps, ascending, (n,).
        window: Steps per window.
        steps: First and end of the steps that are asked about.

    Returns:
        Shape (steps,) or (steps, variates).
    """
    asked = np.arange(steps.start, steps.stop)
    begins = np.minimum(np.searchsorted(ends, asked), len(ends) - 1)
    stops = np.maximum(np.searchsorted(ends, asked + window - 1, side="right"), begins + 1)
    # Sums of each stretch by itself: differences of running sums would lose what is small beside what is large.
    padded = np.concatenate([scores, np.zeros_like(scores[:1])]).astype(np.float64)
    sums = np.add.reduceat(padded, np.stack([begins, stops], axis=1).ravel(), axis=0)[::2]
    counts = (stops - begins).reshape(-1, *[1] * (scores.ndim - 1))
    return np.asarray(sums / counts)
