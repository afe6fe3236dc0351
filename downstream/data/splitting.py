"""Where training ends and validation ends: in time for series, by class for cases."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from downstream.data.options import LoadOptions
from downstream.errors import DataError

_HOUR_SPLIT = (8640, 2880, 2880)  # 12, 4 and 4 months of 30 days, in hours
ETT_SPLITS = {
    "etth1": _HOUR_SPLIT,
    "etth2": _HOUR_SPLIT,
    "ettm1": tuple(4 * rows for rows in _HOUR_SPLIT),
    "ettm2": tuple(4 * rows for rows in _HOUR_SPLIT),
}


class RowSplit(NamedTuple):
    """Ends of the parts, in rows, and how they came about."""

    train_end: int
    validation_end: int
    test_end: int
    reason: str


def split_rows(n_rows: int, *, stem: str, options: LoadOptions, source: str, whole: bool) -> RowSplit:
    """Cut a series in time.

    Args:
        n_rows: Rows there are.
        stem: The set's name; ETT sets have a standard split.
        options: `splits`, `protocol`, `pool_test`.
        source: For messages.
        whole: Whether these are all rows of the set (a slice has no standard split).

    Raises:
        DataError: If the wanted splits do not fit the rows or leave train or validation empty.
    """
    standard = ETT_SPLITS.get(stem.lower()) if whole else None
    shares: Sequence[float]
    if options.splits is not None:
        shares, reason = options.splits, "as given"
    elif options.pool_test:
        shares, reason = (0.7, 0.3, 0.0), "no test part"
    elif standard is not None and n_rows >= sum(standard):
        shares, reason = standard, "standard for ETT"
    elif options.protocol == "long_horizon":
        shares, reason = (0.7, 0.1, 0.2), "default of long_horizon"
    else:
        shares, reason = (0.6, 0.2, 0.2), "default"
    if max(shares) > 1:
        ends = np.cumsum([int(share) for share in shares])
        if ends[-1] > n_rows:
            raise DataError(f"{source}: splits {tuple(shares)} need {ends[-1]} rows, there are {n_rows}")
    else:
        if sum(shares) > 1 + 1e-9:
            raise DataError(f"{source}: splits {tuple(shares)} add up to more than 1")
        ends = np.floor(np.cumsum(shares) * n_rows + 1e-6).astype(np.int64)
    train_end, validation_end, test_end = (int(end) for end in ends)
    if train_end < 1 or validation_end <= train_end:
        raise DataError(f"{source}: {n_rows} rows are too few for a training and a validation part")
    return RowSplit(train_end, validation_end, test_end, reason)


def stratified_order(labels: NDArray[np.int64], *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return all case numbers in an order whose every prefix mirrors the class shares.

    The first case of every class stands before all others, so that a prefix of
    at least `n_classes` cases misses no class.
    """
    shuffled = rng.permutation(len(labels))
    grouped = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    counts = counts[counts > 0]
    rank = np.concatenate([np.arange(count) for count in counts])
    place = (rank + 0.5) / np.repeat(counts, counts)
    return np.asarray(grouped[np.lexsort((place, rank > 0))], dtype=np.int64)
