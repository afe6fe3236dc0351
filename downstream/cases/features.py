"""Plain features of cases: the values themselves, and MiniRocket's."""

import contextlib
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from downstream.windows import Windows

Floats = NDArray[np.floating]
VALUES_AT_A_TIME = 2**16


def raw_features(windows: Windows, new: Windows, *, limit: int = 4096) -> tuple[Floats, Floats]:
    """Return values side by side, gaps 0 (the mean), thinned in time to `limit` features."""
    step = max(1, -(-windows.length * windows.n_variates // limit))
    both = []
    for part in (windows, new):
        values = np.nan_to_num(part.gather())
        # Test cases are padded to their own longest case.
        fitted = np.zeros((len(values), windows.length, values.shape[2]), dtype=np.float32)
        kept = min(windows.length, values.shape[1])
        fitted[:, :kept] = values[:, :kept]
        both.append(fitted[:, ::step].reshape(len(values), -1))
    return both[0], both[1]


def minirocket(windows: Windows, new: Windows, *, rng_seed: int) -> tuple[Floats, Floats] | None:
    """Return MiniRocket features of training and test cases (Dempster et al., KDD 2021), by aeon; None without it."""
    if find_spec("aeon") is None:
        return None
    from aeon.transformations.collection.convolution_based import MiniRocket

    length = max(windows.length, new.length, 9)  # its kernels have 9 weights
    cases = []
    for part in (windows, new):
        values = np.zeros((part.n, part.n_variates, length), dtype=np.float32)
        values[:, :, : part.length] = np.nan_to_num(part.gather()).transpose(0, 2, 1)
        cases.append(values)
    transform = MiniRocket(random_state=rng_seed, n_jobs=1).fit(cases[0])
    # compiled code that keeps the interpreter to itself: between blocks, signals are heard
    some = max(1, VALUES_AT_A_TIME // cases[0][0].size)
    with _torch_threads_kept():
        both = [np.concatenate([transform.transform(part[at : at + some]) for at in range(0, len(part), some)])
                for part in cases]  # fmt: skip
    return both[0], both[1]


@contextlib.contextmanager
def _torch_threads_kept() -> Iterator[None]:
    """Give torch back the threads that it had: numba, which aeon runs on, sets those of the OpenMP that both share."""
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_num_threads()
    try:
        yield
    finally:
        if torch is not None:
            torch.set_num_threads(before)
