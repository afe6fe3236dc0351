"""What a trained encoder offers to the probes."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from downstream.windows import Windows


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
