"""What a trained encoder offers to the probes."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compute.memory import at_a_time, is_limited
from downstream.windows import Windows

MAX_FEATURES = 4096
WINDOWS_AT_A_TIME = 16_384
_COPIES = 12  # bytes for each number of a representation: itself, where it is checked, and on its way elsewhere


class Represent(Protocol):
    """Windows in, representations out; deterministic, and each window on its own."""

    def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        """Return float32 (n_windows, streams, features); `mask_last` hides the last step of every window."""
        ...


def represented(represent: Represent, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
    """Call the encoder and check what it gives back.

    Raises:
        ValueError: If the shape is not (n_windows, streams, features).
        FloatingPointError: If a value is not finite: the encoder has diverged.
    """
    z = np.asarray(represent(windows, mask_last=mask_last), dtype=np.float32)
    if z.ndim != 3 or len(z) != windows.n:
        raise ValueError(f"represent must return (n_windows = {windows.n}, streams, features), got {z.shape}")
    if not np.isfinite(z).all():
        raise FloatingPointError("represent returned values that are not finite; the encoder has diverged")
    return z


def flatten_streams(z: NDArray[np.float32], *, limit: int = MAX_FEATURES) -> NDArray[np.float32]:
    """Return streams side by side, or their mean where that would be more than `limit` features.

    Args:
        z: Representations, (n, streams, features).
        limit: The most features.

    Returns:
        (n, streams * features) or (n, features).
    """
    return z.mean(axis=1) if z.shape[1] * z.shape[2] > limit else z.reshape(len(z), -1)


def features_of(represent: Represent, windows: Windows) -> NDArray[np.float32]:
    """Return the features by which probes know windows, streams flattened, (n_windows, features)."""
    return flattened(represent, represented(represent, windows))


def flattened(represent: Represent, z: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return representations as features, (n, features): those of each encoder of a combination flattened by itself.

    Args:
        represent: What gave them; a combination says by `members`, (features,), which of its encoders each is from.
        z: (n, streams, features).
    """
    of = getattr(represent, "members", None)
    if of is None:
        return flatten_streams(z)
    return np.concatenate([flatten_streams(z[:, :, of == number]) for number in range(int(of.max()) + 1)], axis=1)


def represent_cases(represent: Represent, cases: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return representations of whole cases of any lengths, each (time, variates), (cases, streams, features)."""
    lengths = np.asarray([len(case) for case in cases])
    features: dict[int, NDArray[np.float32]] = {}
    for length in np.unique(lengths):
        members = np.flatnonzero(lengths == length)
        stacked = np.concatenate([cases[i] for i in members])
        windows = Windows(stacked, np.arange(len(members), dtype=np.int64) * length, int(length))
        z = np.concatenate(list(_blocks(represent, windows)))
        features |= dict(zip(members.tolist(), z, strict=True))
    return np.stack([features[i] for i in range(len(cases))])


def represent_series(represent: Represent, values: NDArray[np.float32], *, window: int) -> NDArray[np.float32]:
    """Return the mean representation of consecutive windows that cover a series, the last ending at its end.

    Args:
        represent: The encoder.
        values: Scaled rows, (time, variates).
        window: Steps per window; a shorter series is one window.

    Returns:
        (1, streams * features).
    """
    length = min(window, len(values))
    starts = np.arange(len(values) % length, len(values), length, dtype=np.int64)
    starts = np.union1d(starts, [0]) if len(values) % length else starts
    blocks = _blocks(represent, Windows(values, starts, length))
    first = next(blocks)
    if len(first) == len(starts):
        return np.asarray(first.mean(axis=0).reshape(1, -1))
    sums = sum((z.sum(axis=0, dtype=np.float64) for z in blocks), start=first.sum(axis=0, dtype=np.float64))
    return np.asarray(sums / len(starts), dtype=np.float32).reshape(1, -1)


def represent_steps(represent: Represent, values: NDArray[np.float32], *, window: int) -> Iterator[NDArray[np.float32]]:
    """Yield the representations of the windows that end at the steps, in order, (some, streams * features)."""
    gap = np.full((window - 1, values.shape[1]), np.nan, dtype=np.float32)
    windows = Windows(np.concatenate([gap, values]), np.arange(len(values), dtype=np.int64), window)
    for z in _blocks(represent, windows):
        yield z.reshape(len(z), -1)


def _blocks(represent: Represent, windows: Windows) -> Iterator[NDArray[np.float32]]:
    some = WINDOWS_AT_A_TIME
    if is_limited() and windows.n:  # one window tells how wide a representation is
        width = represented(represent, windows.subset(slice(1))).size
        some = at_a_time(some, "row", bytes_each=_COPIES * width)
    for first in range(0, windows.n, some):
        yield represented(represent, windows.subset(slice(first, first + some)))
