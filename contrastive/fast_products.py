"""Which of torch's libraries multiplies float32 matrices on a CPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch

_ROUNDING = 1e-5


@contextlib.contextmanager
def fast_products(device: torch.device) -> Iterator[None]:
    """Let oneDNN multiply float32 matrices within the block where that is exact; the settings of before come back.

    It is for large products: attention's many small ones are slower that way.

    Args:
        device: Where the matrices are; nothing changes elsewhere than on a CPU.
    """
    if device.type != "cpu" or not onednn_is_exact():
        yield
        return
    settings = _settings()
    before = settings.fp32_precision
    settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before


@cache
def onednn_is_exact() -> bool:
    """Return whether this CPU's oneDNN products stay float32 when it may use bfloat16 inside.

    Torch multiplies float32 matrices by MKL, which on a processor that is not
    Intel's leaves half of its vector width unused. Allowing bfloat16 hands them to
    oneDNN, which uses it only where it has matrix units for it (AMX): elsewhere the
    result is float32, and twice as fast on such a processor. A product of two small
    matrices tells.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(64, 64, generator=generator) for _ in range(2))
    settings = _settings()
    before = settings.fp32_precision
    settings.fp32_precision = "bf16"
    try:
        found = a @ b
    finally:
        settings.fp32_precision = before
    return bool((found.double() - a.double() @ b.double()).abs().max() < 64 * _ROUNDING)


def _settings() -> Any:
    """Return torch's settings of oneDNN's matrix products."""
    return torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
