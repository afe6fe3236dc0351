"""Plain features of cases: the values themselves, and MiniRocket's."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from downstream.predictor import check_length
from downstream.represent import MAX_FEATURES, Represent
from downstream.windows import Windows

Floats = NDArray[np.floating]
VALUES_AT_A_TIME = 2**16


@dataclass(frozen=True)
class RawValues:
    """Cases as their own representation: values side by side, gaps 0 (the mean), thinned in time.

    Args:
        length: Steps of a case; longer ones are cut, shorter ones are filled up with 0.
        step: Every how many steps a value counts.
    """

    length: int
    step: int

    @classmethod
    def of(cls, windows: Windows, *, limit: int = MAX_FEATURES) -> RawValues:
        """Return the one for training cases, of at most about `limit` features."""
        return cls(windows.length, max(1, -(-windows.length * windows.n_variates // limit)))

    def __call__(self, windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        """Return float32 (n_windows, 1, features)."""
        values = np.nan_to_num(windows.gather())
        fitted = np.zeros((len(values), self.length, values.shape[2]), dtype=np.float32)
        kept = min(self.length, values.shape[1]) - mask_last
        fitted[:, :kept] = values[:, :kept]
        return fitted[:, :: self.step].reshape(len(values), 1, -1)

    @property
    def facts(self) -> dict[str, int]:
        """JSON values that say what a predictor sees instead of an encoder; `seen` reads them."""
        return {"raw_length": self.length, "raw_step": self.step}


def seen(facts: Mapping[str, Any], represent: Represent) -> Represent:
    """Return what a predictor sees cases by: an encoder, or the values themselves where its facts say so.

    Raises:
        ValueError: If the facts are none.
    """
    if "raw_length" not in facts:
        return represent
    for name in ("raw_length", "raw_step"):
        check_length(facts, name)
    return RawValues(facts["raw_length"], facts["raw_step"])


def raw_features(windows: Windows, new: Windows) -> tuple[Floats, Floats]:
    """Return training and other cases as `RawValues` have them, (n, d) and (n_new, d)."""
    values = RawValues.of(windows)
    return values(windows)[:, 0], values(new)[:, 0]


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
