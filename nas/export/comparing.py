"""Whether a written file computes what the encoder does, at several lengths and numbers of windows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nas.errors import ExportError
from nas.export.graph import WindowEncoder
from nas.saved.encoder import SavedEncoder

TOLERANCE = 1e-5
"""Largest difference of a feature, as a share of the largest feature."""
_ROUNDED = 1e-2
"""Largest norm of all differences, as a share of that of all features, where an encoder compares values."""
_BATCHES = (4, 1)


@dataclass(frozen=True)
class Comparison:
    """How a file and the encoder compare.

    Args:
        n_features: Width of what comes out.
        lengths: Steps of the windows that were compared.
        largest: Largest difference of a feature, as a share of the largest feature of its batch.
        n_over: Features beyond the tolerance, as a comparison inside the encoder went the other way by rounding.
        n: Features compared, of all windows.
    """

    n_features: int
    lengths: tuple[int, ...]
    largest: float
    n_over: int
    n: int

    @property
    def text(self) -> str:
        """A line that says it."""
        steps = " and ".join(str(length) for length in self.lengths)
        batches = " and ".join(str(batch) for batch in _BATCHES)
        line = f"Compared with the encoder on windows of {steps} steps, {batches} at a time: "
        if self.n_over:
            return (
                f"{line}the same within {TOLERANCE:g} of the largest feature, but for {self.n_over:,} of {self.n:,} "
                f"features, where rounding counts a step on the other side of a threshold (up to {self.largest:.1e})"
            )
        return f"{line}largest difference {self.largest:.1e} of the largest feature"


def compare(
    run: Callable[[Tensor], Tensor], module: WindowEncoder, saved: SavedEncoder, *, least_steps: int | None
) -> Comparison:
    """Compare a file with the encoder on drawn windows, some with missing values.

    Where the encoder compares values with thresholds or with each other, rounding decides now and then.

    Args:
        run: What the file computes.
        module: What it was made of.
        saved: The encoder.
        least_steps: Length of the shortest windows that the file takes; None where all have the length of training's.

    Raises:
        ExportError: If they differ.
    """
    length = saved.window if least_steps is None else max(saved.window, least_steps)
    lengths = (length,) if least_steps is None else (length, length + length // 2 + 1)
    rng, parts, wanted_parts, n_features = np.random.default_rng(0), [], [], 0
    for steps in lengths:
        for batch in _BATCHES:
            windows = _drawn(module, batch=batch, steps=steps, n_variates=len(saved.variates), rng=rng)
            with torch.inference_mode():
                wanted, got = module(windows), run(windows)
            if got.shape != wanted.shape:
                raise ExportError(f"the file gives {tuple(got.shape)} where the encoder gives {tuple(wanted.shape)}")
            n_features = wanted.shape[1]
            scale = wanted.abs().max().clamp_min(torch.finfo(torch.float32).tiny)
            parts.append(((got - wanted) / scale).flatten().nan_to_num(nan=float("inf")))
            wanted_parts.append((wanted / scale).flatten())
    differences, features = torch.cat(parts), torch.cat(wanted_parts)
    largest, n_over = float(differences.abs().max()), int((differences.abs() > TOLERANCE).sum())
    rounded = _compares(saved) and float(differences.norm()) <= _ROUNDED * float(features.norm())
    if n_over and not rounded:
        raise ExportError(
            f"what was written computes something else than the encoder: {n_over:,} of {len(features):,} features "
            f"differ, by up to {largest:.1e} of the largest feature; nothing was kept"
        )
    return Comparison(n_features, lengths, largest, n_over, len(features))


def _compares(saved: SavedEncoder) -> bool:
    """Return whether the encoder compares values, with thresholds or with each other."""
    return any(getattr(part, "compares", False) for part in saved.encoder.modules())


def _drawn(module: WindowEncoder, *, batch: int, steps: int, n_variates: int, rng: np.random.Generator) -> Tensor:
    """Return walks about as wide as training data, the first padded, the last with a gap; (batch, steps, variates)."""
    walks = rng.standard_normal((batch, steps, n_variates)).cumsum(axis=1)
    walks = walks / walks.std()
    walks[0, steps - steps // 4 :] = np.nan
    walks[-1, steps // 2, 0] = np.nan
    windows = torch.as_tensor(walks)
    return (windows * module.deviation + module.mean if module.scales else windows).float()
